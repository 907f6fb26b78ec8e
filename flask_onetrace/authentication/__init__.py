"""Find the user of a request: whom the load balancer has authenticated, or whom a trusted caller names.

Of a load balancer only the signed claims are believed, `X-Amzn-Oidc-Data`. `X-Amzn-Oidc-Identity` beside it is not
signed, and never read: on paths that need no session, a load balancer passes on what clients send under either name.
"""
