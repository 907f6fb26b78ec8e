"""What is secret follows from its name, in any spelling; harmless names that look alike stay."""

from __future__ import annotations

import random

import pytest

from flask_onetrace.telemetry.redaction.names import SecretNames, word_set

SECRET = sorted(
    word_set("""
    2fa_code access_key access_token accessToken ACCESS_TOKEN api_key apikey apiKey APIKey auth Authorization authToken
    authtoken AWSAccessKeyId bearer card-number card_number CardNumber client_secret clientSecret confirm_password
    confirmPassword connect.sid Cookie creditCard credentials csrf csrf_token csrfmiddlewaretoken CVC cvv cvv2
    db_pass DB_PASSWORD DD-APPLICATION-KEY encryption_key github_token HTTP_X_API_KEY iban id_token JSESSIONID jwt
    new_password1 Ocp-Apim-Subscription-Key one_time_code oneTimeCode otp pan passphrase passwd password password2
    password_confirmation password_hash PHPSESSID pin pin_code private_key privateKey pw pwd refresh_token refreshTokens
    SAMLResponse secret secret_access_key SECRET_KEY security_code session session_id sessionid Set-Cookie sig Signature
    signing_key ssn stripeApiKey token tokens user[password] user_password verification_code webhook_secret
    X-Amz-Credential X-Amz-Security-Token X-Amz-Signature X-Api-Key X-CSRFToken X-Goog-Iap-Jwt-Assertion
    X-Goog-Signature X-My-Auth-Token XSRF-TOKEN
""")
)
HARMLESS = sorted(
    word_set("""
    account assign author authored authority authorized auth_method bypass cache_key cardinality card_type class code
    code.function.name compass cookiecutter country_code description digest exception.message foreign_key
    gen_ai.usage.output_tokens hash http.request.method http.route id input_tokens insight invoice_number
    is_authenticated key keyboard keyword limit max_tokens messages monkey name opinion order_number page pantry
    passenger passive password_length phone_number pinned primary_key process public_key results-size secret_name
    secretary server.address session_count session_duration sidebar sort_key span_id Spanish spin state status_code
    token_count token_type tokenizer_name tokenType trace_id url.path user user.id X-Amz-Algorithm X-Amz-Date
    X-Amz-SignedHeaders zip_code
""")
)


@pytest.mark.parametrize("name", SECRET)
def test_the_name_of_a_secret_is_recognised(name: str) -> None:
    assert SecretNames().hides(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_name_is_left_alone(name: str) -> None:
    assert not SecretNames().hides(name)


@pytest.mark.parametrize("seed", range(20))
def test_case_separators_and_words_around_it_change_nothing(seed: int) -> None:
    draw = random.Random(seed)
    names = SecretNames()
    for _ in range(100):
        words = draw.choice(["password", "api key", "token", "client secret", "card number", "session id"]).split()
        spelled = draw.choice(["", "-", "_", ".", " "]).join(
            "".join(draw.choice((str.lower, str.upper))(letter) for letter in word) for word in words
        )
        prefix, suffix = draw.choice(["", "my_", "HTTP_X_", "user."]), draw.choice(["", "2", "_1", "[]", "_value"])
        assert names.hides(f"{prefix}{spelled}{suffix}"), f"{prefix}{spelled}{suffix}"


@pytest.mark.parametrize("name", ["employee_number", "employeeNumber", "X-Employee-Number", "the_employee_number_2"])
def test_further_names_are_recognised_in_any_spelling(name: str) -> None:
    assert SecretNames(["employee_number"]).hides(name)
    assert not SecretNames().hides(name)


@pytest.mark.parametrize("name", ["code", "state", "key", "ticket"])
def test_some_names_are_secret_in_queries_alone(name: str) -> None:
    assert SecretNames().hides_in_query(name)
    assert not SecretNames().hides(name)
