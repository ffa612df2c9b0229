"""The routes: thin, each a few lines, and no knowledge of SQL or Socket.IO."""

import bridge.http.front.lazy_formats  # noqa: F401 (before anything of Litestar)
