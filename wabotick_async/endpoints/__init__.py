"""Request structs and the endpoint registry: what can be asked of the platform."""

from .accounts import ConnectAccount
from .base import NumberRequest, Request, SubscriberRequest
from .catalog import ListCatalogOrders, ListCatalogs, SyncCatalog, UpdateOrderStatus
from .description import Endpoint, FieldSpec, Safety
from .endpoint_registry import EndpointRegistry, endpoint, registry
from .fields import Encoding
from .flows import ListPostbacks, TriggerBotFlow
from .messages import (
    GetConversation,
    GetMessageStatus,
    SendBroadcastTemplate,
    SendMedia,
    SendTemplate,
    SendText,
    UploadMedia,
)
from .subscribers import (
    AddNote,
    AssignChat,
    AssignCustomFields,
    AssignLabels,
    AssignSequences,
    CreateLabel,
    CreateSubscriber,
    DeleteSubscriber,
    GetSubscriber,
    ListCustomFields,
    ListLabels,
    ListSubscribers,
    RemoveLabels,
    RemoveSequences,
    ResetUserInputFlow,
    UpdateSubscriber,
)
from .templates import ListTemplates
from .variables import TemplateVariable

__all__ = [
    "AddNote",
    "AssignChat",
    "AssignCustomFields",
    "AssignLabels",
    "AssignSequences",
    "ConnectAccount",
    "CreateLabel",
    "CreateSubscriber",
    "DeleteSubscriber",
    "Encoding",
    "Endpoint",
    "EndpointRegistry",
    "FieldSpec",
    "GetConversation",
    "GetMessageStatus",
    "GetSubscriber",
    "ListCatalogOrders",
    "ListCatalogs",
    "ListCustomFields",
    "ListLabels",
    "ListPostbacks",
    "ListSubscribers",
    "ListTemplates",
    "NumberRequest",
    "RemoveLabels",
    "RemoveSequences",
    "Request",
    "ResetUserInputFlow",
    "Safety",
    "SendBroadcastTemplate",
    "SendMedia",
    "SendTemplate",
    "SendText",
    "SubscriberRequest",
    "SyncCatalog",
    "TemplateVariable",
    "TriggerBotFlow",
    "UpdateOrderStatus",
    "UpdateSubscriber",
    "UploadMedia",
    "endpoint",
    "registry",
]
