"""Mail over SMTP, to a real server (aiosmtpd) on this machine, with certificates of an authority made here; and what
is in the outbox when the process is killed."""
import base64
import email
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from jeton_server import EMAIL, PASSWORD, START_SECONDS_MAX, Client, Server

BINARY = sys.argv.pop()
USER, MAIL_PASSWORD = "jeton", "mail secret"


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


def make_authority(folder, names):
    """ca.pem, and a certificate server.pem with its key for those names."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mail", "-keyout",
            "server.key", "-out", "server.csr", cwd=folder)
    with open(folder + "/names.cnf", "w") as file:
        file.write("subjectAltName=" + names + "\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile",
            "names.cnf", "-out", "server.pem", cwd=folder)


class Mailbox:
    """What the server has taken, and what it saw on the way."""

    def __init__(self):
        self.mails, self.logins, self.answers = [], [], []
        self.arrived = threading.Condition()

    async def handle_DATA(self, server, session, envelope):
        with self.arrived:
            answer = self.answers.pop(0) if self.answers else "250 taken"
            if answer.startswith("250"):
                self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode(),
                                   session.ssl is not None))
            self.arrived.notify_all()
        return answer

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((mechanism, data.login, data.password, session.ssl is not None))
        return AuthResult(success=(data.login, data.password) == (USER.encode(), MAIL_PASSWORD.encode()))

    def wait(self, count):
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.mails) >= count, timeout=START_SECONDS_MAX)
            return list(self.mails)


class Starttls(Controller):
    def __init__(self, handler, context, **options):
        super().__init__(handler, hostname="127.0.0.1", port=0)
        self.options = dict(options, tls_context=context)

    def factory(self):
        return SMTP(self.handler, **self.options)

    def _trigger_server(self):  # a port of 0 is looked up after binding
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class ImplicitTls(Starttls):
    def __init__(self, handler, context, **options):
        super().__init__(handler, None, **options)
        self.ssl_context = context


class Mail(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder + "/data"
        self.box = Mailbox()

    def context(self, names="IP:127.0.0.1"):
        make_authority(self.folder, names)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder + "/server.pem", self.folder + "/server.key")
        return context

    def serve_mail(self, kind, context, **options):
        controller = kind(self.box, context, **options)
        controller.start()
        self.addCleanup(controller.stop)
        return controller.port

    def start(self, scheme, port, **settings):
        secret = self.folder + "/mail.password"
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(MAIL_PASSWORD + "\n")
        values = {"smtp": f"{scheme}://127.0.0.1:{port}", "from": "jeton@example.com",
                  "ca_file": self.folder + "/ca.pem", "link_base": "https://app.example.com",
                  "user": USER, "password_file": secret, **settings}
        config = self.folder + "/jeton.toml"
        with open(config, "w") as file:
            file.write("[mail]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
        return Server(BINARY, "--config", config, data=self.data)

    def verify_by(self, client, content):
        message = email.message_from_string(content)
        self.assertEqual((message["From"], message["To"]), ("<jeton@example.com>", f"<{EMAIL}>"))
        secret = re.search(r"https://app\.example\.com/verify-email#(\S{43})\s", message.get_payload()).group(1)
        return client.request("POST", "/api/auth/verify-email", {"token": secret})[0]

    def test_starttls_with_a_password_and_the_link_works(self):
        port = self.serve_mail(Starttls, self.context(), require_starttls=True, auth_required=True,
                               authenticator=self.box.authenticate)
        with self.start("smtp", port) as server:
            client = Client(server.port)
            client.register()
            (sender, recipients, content, encrypted), = self.box.wait(1)
            self.assertEqual((sender, recipients, encrypted), ("jeton@example.com", [EMAIL], True))
            self.assertEqual(self.box.logins, [("PLAIN", USER.encode(), MAIL_PASSWORD.encode(), True)])
            self.assertEqual(self.verify_by(client, content), 204)
            self.assertEqual(client.request("POST", "/api/auth/forgot-password", {"email": EMAIL})[0], 202)
            reset = self.box.wait(2)[1][2]
            secret = re.search(r"/reset-password#(\S{43})\s", reset).group(1)
            body = {"token": secret, "newPassword": "staple horse battery"}
            self.assertEqual(client.request("POST", "/api/auth/reset-password", body)[0], 204)
            self.assertEqual(client.login(password=PASSWORD)[0], 401)
            self.assertEqual(client.login(password="staple horse battery")[0], 200)
            self.assertEqual(server.stop(), 0)
            for text in (secret, MAIL_PASSWORD):
                self.assertNotIn(text, server.errors())

    def test_implicit_tls_and_auth_login(self):
        port = self.serve_mail(ImplicitTls, self.context(), auth_required=True, auth_require_tls=False,
                               auth_exclude_mechanism=["PLAIN"], authenticator=self.box.authenticate)
        with self.start("smtps", port) as server:
            Client(server.port).register()
            self.assertEqual([mail[1] for mail in self.box.wait(1)], [[EMAIL]])  # a port that speaks nothing but TLS
            self.assertEqual([login[:3] for login in self.box.logins],
                             [("LOGIN", USER.encode(), MAIL_PASSWORD.encode())])

    def refused(self, server, reason):
        """No mail and no password arrives, for that reason; it goes on waiting."""
        with server:
            Client(server.port).register()
            server.wait_for_log("mail not sent")
            self.assertIn(reason, server.errors())
            self.assertEqual((self.box.mails, self.box.logins), ([], []))
            self.assertEqual(server.stop(), 0)
            self.assertNotIn(EMAIL, server.errors())

    def test_a_certificate_of_another_name_gets_nothing(self):
        port = self.serve_mail(Starttls, self.context("DNS:mail.example.com"), authenticator=self.box.authenticate)
        self.refused(self.start("smtp", port), "its certificate is not good")

    def test_a_certificate_of_an_unknown_authority_gets_nothing(self):
        port = self.serve_mail(ImplicitTls, self.context(), auth_require_tls=False,
                               authenticator=self.box.authenticate)
        self.refused(self.start("smtps", port, ca_file=""), "its certificate is not good")

    def test_a_server_without_starttls_gets_nothing(self):
        port = self.serve_mail(Starttls, None, auth_require_tls=False, authenticator=self.box.authenticate)
        self.context()
        self.refused(self.start("smtp", port), "it offers no STARTTLS")

    def test_a_wrong_password_gets_nothing_through(self):
        port = self.serve_mail(Starttls, self.context(), require_starttls=True, auth_required=True,
                               authenticator=lambda *_: AuthResult(success=False, handled=False))
        self.refused(self.start("smtp", port), "AUTH was answered 535")

    def test_what_was_not_sent_when_the_process_was_killed_is_sent_by_the_next(self):
        port = self.serve_mail(Starttls, self.context(), require_starttls=True, auth_required=True,
                               authenticator=self.box.authenticate)
        self.box.answers = ["451 later"]
        with self.start("smtp", port) as server:
            Client(server.port).register()
            server.wait_for_log("mail not sent")
            server.kill()
        self.assertEqual(self.box.mails, [])
        database = self.data + "/jeton.db"
        subprocess.run(["python3", "-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
                        "db.execute('UPDATE outbox SET due_at = 0'); db.commit()", database], check=True)
        with self.start("smtp", port):
            self.assertEqual([mail[1] for mail in self.box.wait(1)], [[EMAIL]])

    def test_a_recipient_that_is_refused_for_good_is_not_tried_again(self):
        port = self.serve_mail(Starttls, self.context(), require_starttls=True, auth_required=True,
                               authenticator=self.box.authenticate)
        self.box.answers = ["550 no such mailbox"]
        with self.start("smtp", port) as server:
            client = Client(server.port)
            client.register()
            server.wait_for_log("message given up")
            client.register("other@example.com")
            self.assertEqual([mail[1] for mail in self.box.wait(1)], [["other@example.com"]])


if __name__ == "__main__":
    unittest.main()
