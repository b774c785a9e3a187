"""Section 11, from the other side: what must not let anybody in."""

from cutover.check import control, promised, seen
from cutover.facts.forgeries import Forgeries, WrongPassword

# 401 says it; 422 is how Flask-JWT-Extended refuses a token that it cannot read.
REFUSED = (401, 422)


@control("11.me")
def test_no_forged_token_is_taken(forgeries: Forgeries) -> None:
    """A library that believes the token's own "alg", or an application that decodes and does not verify, lets everybody
    in who can write JSON. A refresh token that works as an access token outlives every log-out.

    Mend: verify with algorithms=["HS256"] and the key of MKS_JWT_SECRET_KEY, and check the token's type, in every view
    """
    answers = forgeries.answers
    told = {what: "refused" if answer.status in REFUSED else str(answer.status) for what, answer in answers.items()}
    where = next(iter(answers.values())).url
    assert seen(told, where=where) == promised(dict.fromkeys(told, "refused"), "each refused with 401")


@control("3.secret-keys")
def test_token_is_not_signed_with_a_key_that_everybody_knows(forgeries: Forgeries) -> None:
    """The running application may use another key than the file it was given: this is the one that counts.

    Mend: a new MKS_JWT_SECRET_KEY (openssl rand -hex 32) in .env.production, then restart the application
    """
    known = forgeries.known_key
    assert seen(known or "a key of its own", where="the operator's token") == promised("a key of its own")


@control("11.login")
def test_wrong_password_is_refused(wrong_password: WrongPassword) -> None:
    """Tried once, with a random password. A login that lets everybody in passes every check of what works.

    Mend: compare the deployed commit with the released one; look at the login's view
    """
    answer = wrong_password.exchange
    assert seen(answer.status, where=answer.url) == promised(401)
