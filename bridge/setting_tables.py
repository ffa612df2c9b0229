"""Those of the settings that are tables of their own in the configuration file."""

from pydantic_settings import BaseSettings

from bridge.access.grant_settings import GrantSettings
from bridge.console.branding import BrandSettings
from bridge.workers.alerts.settings import AlertSettings
from bridge.workers.wallets.settings import WalletSettings

__all__ = ["SettingTables"]


class SettingTables(BaseSettings):
    """Each with the same name in the file. In the environment it is one variable, as JSON."""

    brand: BrandSettings = BrandSettings()
    grants: GrantSettings = GrantSettings()
    wallets: WalletSettings = WalletSettings()
    alerts: AlertSettings = AlertSettings()
