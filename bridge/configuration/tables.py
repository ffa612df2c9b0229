"""Those of the settings that are tables of their own in the configuration file."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bridge.access.grant_settings import GrantSettings
from bridge.access.oidc_settings import OidcClient, OidcSettings
from bridge.console.branding import BrandSettings
from bridge.workers.alerts.settings import AlertSettings
from bridge.workers.wallets.settings import WalletSettings

__all__ = ["SettingTables"]


class SettingTables(BaseSettings):
    """Each with the same name in the file. In the environment it is one variable, as JSON."""

    brand: BrandSettings = BrandSettings()
    grants: GrantSettings = GrantSettings()
    oidc: OidcSettings = OidcSettings()
    oidc_client_secret: SecretStr = SecretStr("")
    wallets: WalletSettings = WalletSettings()
    alerts: AlertSettings = AlertSettings()

    @property
    def oidc_client(self) -> OidcClient | None:
        """What the bridge is at the identity provider; None where nobody signs in there. Raises SettingsError."""
        return self.oidc.client(self.oidc_client_secret.get_secret_value())
