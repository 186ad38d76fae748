"""Verifies JSON Web Tokens as another origin would, with Debian's python3-jwt and the keys that PyJWKClient fetches over HTTP.

Reads {"keys_url", "issuer", "audience", "tokens": [...]} from stdin and writes, for each token, {"claims": ...} or {"refused": <exception>}.
"""

import json
import sys

import jwt

asked = json.load(sys.stdin)
keys = jwt.PyJWKClient(asked["keys_url"])


def verify(token):
    try:
        key = keys.get_signing_key_from_jwt(token).key
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=asked["issuer"],
            audience=asked["audience"],
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        return {"claims": claims}
    except (jwt.PyJWTError, ValueError) as error:
        return {"refused": type(error).__name__}


json.dump([verify(token) for token in asked["tokens"]], sys.stdout)
