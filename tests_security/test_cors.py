"""Section 5, as it works: which origins' pages may read the API's answers."""

from cutover.check import control, promised, seen
from cutover.facts.cors import NOWHERE, STRANGER, Cors


@control("5.required-variables")
def test_no_other_origin_may_read(cors: Cors) -> None:
    """With * or the asker's own origin, every page that a user opens reads what the API answers to that user.

    Mend: MKS_CORS_ORIGINS in .env.production names the front end's origin and nothing else; restart the application
    """
    lets = {origin: cors.lets(origin) for origin in (STRANGER, NOWHERE)}
    wrong = {origin: told for origin, told in lets.items() if {"*", origin} & set(told.replace(",", " ").split())}
    assert seen(wrong, where="Access-Control-Allow-Origin by origin") == promised({}, "none that was not declared")


@control("5.required-variables")
def test_declared_origins_may_read(cors_of_declared: Cors) -> None:
    """Else the front end stays empty, and only its users' consoles say why.

    Mend: the origin, with scheme and without a last slash, in MKS_CORS_ORIGINS; restart the application
    """
    lets = {origin: cors_of_declared.lets(origin) for origin in cors_of_declared.declared}
    assert seen(lets, where="Access-Control-Allow-Origin by origin") == promised({one: one for one in lets})
