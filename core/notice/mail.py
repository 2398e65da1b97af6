"""A digest by mail: over a connection that is made safe, with the same Message-ID when it is sent again."""

from __future__ import annotations

import datetime
import email.utils
import smtplib
import ssl
from email.message import EmailMessage

from syncrun.config.notify import LOOPBACK, Notify
from syncrun.errors import AuthError, BadRequestError, CertificateError, TransientError, UnreachableError
from syncrun.notice.letter import Letter
from syncrun.sdk import SecretText

SECONDS = 30
_PERMANENT = 500


def post(
    notify: Notify, password: SecretText | None, letter: Letter, now: datetime.datetime, seconds: float = SECONDS
) -> None:  # fmt: skip
    """Send it once, to all addresses in one message. Raises a `SyncError` when the server does not take it for all."""
    host, _, port = notify.smtp.rpartition(":")
    try:
        with _connection(notify, host, int(port), seconds) as server:
            if notify.smtp_user and password:
                server.login(notify.smtp_user, password.reveal())
            refused = server.send_message(message(notify, letter, now))
    except smtplib.SMTPAuthenticationError:
        raise AuthError(f"The mail server {host} does not accept the user or the password.") from None
    except smtplib.SMTPResponseException as error:  # its text may repeat addresses
        raise _answered(host, error.smtp_code) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _answered(host, max(codes, default=_PERMANENT)) from None
    except smtplib.SMTPNotSupportedError:
        raise BadRequestError(f"The mail server {host} cannot do what is asked (smtp_security, smtp_user).") from None
    except ssl.SSLError:
        raise CertificateError(f"There is no safe connection to the mail server {host}.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise UnreachableError(f"No connection to the mail server {host} ({type(error).__name__}).") from None
    if refused:
        raise BadRequestError(f"The mail server {host} does not take mail for {len(refused)} of the addresses.")


def message(notify: Notify, letter: Letter, now: datetime.datetime) -> EmailMessage:
    """The mail itself."""
    found = EmailMessage()
    found["From"] = notify.mail_from
    found["To"] = ", ".join(notify.mail_to)
    found["Subject"] = letter.subject
    found["Date"] = email.utils.format_datetime(now)
    found["Message-ID"] = f"<{letter.id}@{notify.mail_from.rpartition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note is wanted
    found.set_content(letter.text)
    return found


def _connection(notify: Notify, host: str, port: int, seconds: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if notify.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
    server = smtplib.SMTP(host, port, timeout=seconds)
    if notify.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    elif host not in LOOPBACK:
        server.close()
        raise BadRequestError("Mail without TLS is sent to this machine only.")
    return server


def _answered(host: str, code: int) -> BadRequestError | TransientError:
    words = f"The mail server {host} answered {code}."
    return BadRequestError(words) if code >= _PERMANENT else TransientError(words)
