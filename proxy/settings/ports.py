"""Where the proxy listens, to whom, and what it logs."""

from proxy.kinds import (
    ADDRESS,
    MILLISECONDS,
    MODE,
    NETWORKS,
    PATH,
    PLACE,
    TEXT,
    choice,
)
from proxy.settings.setting import setting

PORTS = {
    "listen": setting(
        "proxy.listen",
        PLACE,
        "Where clients connect without TLS; off: nowhere. Port 0 takes a free one, which the log names.",
        env="LISTEN",
        flag="--listen",
    ),
    "tls_listen": setting(
        "proxy.tls_listen",
        PLACE,
        "Where clients connect with TLS, 1.2 or later; off: nowhere. It may stand beside the plain one.",
        env="TLS_LISTEN",
        flag="--tls-listen",
    ),
    "tls_certificate_file": setting(
        "proxy.tls_certificate_file",
        PATH,
        "The certificate that clients are shown, with its chain, PEM. Read again when it changes.",
        flag="--tls-certificate-file",
    ),
    "tls_key_file": setting(
        "proxy.tls_key_file",
        PATH,
        """The key of that certificate, PEM, without a password; without it, the key is in the certificate's
        file.""",
        flag="--tls-key-file",
    ),
    "tls_ca_file": setting(
        "proxy.tls_ca_file",
        PATH,
        "Clients must show a certificate that one of these has signed, PEM.",
        flag="--tls-ca-file",
    ),
    "tls_client_certificates": setting(
        "proxy.tls_client_certificates",
        choice("required", "optional"),
        """Where there is a tls_ca_file. optional: a client without a certificate is let in, one with a wrong
        one is not.""",
    ),
    "unix_listen": setting(
        "proxy.unix_listen",
        PATH,
        "A Unix socket where clients connect, too. One that is left from before is replaced.",
        env="UNIX_LISTEN",
        flag="--unix-listen",
    ),
    "unix_mode": setting(
        "proxy.unix_mode",
        MODE,
        "Who may connect to the Unix socket: its mode, in octal.",
    ),
    "proxy_protocol_from": setting(
        "proxy.proxy_protocol_from",
        NETWORKS,
        """Load balancers whose connections begin with a PROXY header, version 1 or 2, that names the real
        client: addresses or networks. From there a connection without one is closed; from elsewhere no
        header is believed.""",
    ),
    "drain_ms": setting(
        "proxy.drain_ms",
        MILLISECONDS,
        """How long SIGTERM and DRAIN wait for clients to finish what is in flight, once no new ones are
        accepted.""",
        live=True,
    ),
    "admin": setting(
        "admin.listen",
        ADDRESS,
        """Where the admin console listens. Without a password whoever reaches it may switch over, so then
        only an address of loopback will do.""",
        env="ADMIN",
        flag="--admin",
    ),
    "admin_password_file": setting(
        "admin.password_file",
        PATH,
        "A file that holds the password of the console; the newline at its end does not count.",
        flag="--admin-password-file",
    ),
    "admin_password": setting(
        "admin", TEXT, "The password of the console. In the environment only.", env="ADMIN_PASSWORD"
    ),
    "admin_viewer_password_file": setting(
        "admin.viewer_password_file",
        PATH,
        """A file that holds the password of the console's user viewer, who may look but change nothing:
        AUTH viewer PASSWORD.""",
    ),
    "admin_viewer_password": setting(
        "admin", TEXT, "The viewer's password. In the environment only.", env="ADMIN_VIEWER_PASSWORD"
    ),
    "admin_tls_certificate_file": setting(
        "admin.tls_certificate_file",
        PATH,
        """With it the console speaks TLS, and TLS only: the certificate that is shown, with its chain, PEM.
        Read again when it changes.""",
    ),
    "admin_tls_key_file": setting(
        "admin.tls_key_file",
        PATH,
        """The key of that certificate, PEM, without a password; without it, the key is in the certificate's
        file.""",
    ),
    "admin_tls_ca_file": setting(
        "admin.tls_ca_file",
        PATH,
        "Whoever comes to the console must show a certificate that one of these has signed, PEM.",
    ),
    "http": setting(
        "http.listen",
        ADDRESS,
        """Where probes, metrics, the API and the page to watch are served by HTTP; without it, nowhere.
        Whoever reaches it may read all that but the token's part.""",
        env="HTTP",
        flag="--http",
    ),
    "http_token_file": setting(
        "http.token_file",
        PATH,
        """A file that holds the token which HTTP requests that change something must bear; without a token
        they are refused.""",
        flag="--http-token-file",
    ),
    "http_token": setting("http", TEXT, "The token. In the environment only.", env="HTTP_TOKEN"),
    "http_viewer_token_file": setting(
        "http.viewer_token_file",
        PATH,
        """A file that holds a token for looking. With it, all but the probes wants this token or the other
        one.""",
    ),
    "http_viewer_token": setting(
        "http", TEXT, "The viewer's token. In the environment only.", env="HTTP_VIEWER_TOKEN"
    ),
    "http_tls_certificate_file": setting(
        "http.tls_certificate_file",
        PATH,
        """With it HTTP is HTTPS, and nothing else: the certificate that is shown, with its chain, PEM. Read
        again when it changes.""",
    ),
    "http_tls_key_file": setting(
        "http.tls_key_file",
        PATH,
        """The key of that certificate, PEM, without a password; without it, the key is in the certificate's
        file.""",
    ),
    "http_tls_ca_file": setting(
        "http.tls_ca_file",
        PATH,
        """Whoever asks by HTTP must show a certificate that one of these has signed, PEM; the probes of
        Kubernetes cannot.""",
    ),
    "log_level": setting(
        "log.level",
        choice("debug", "info", "warning", "error"),
        "What is logged: this and what is worse.",
        flag="--log-level",
        live=True,
    ),
    "log_format": setting(
        "log.format",
        choice("auto", "text", "json"),
        "text: lines for people. json: an object a line. auto: text on a terminal, else json.",
        flag="--log-format",
    ),
}
