"""Is a rate limiter's limit kept and used, what does a grant cost, and what does the server see?"""
