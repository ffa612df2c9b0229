"""The routes: thin, each a few lines, and no knowledge of SQL or Socket.IO."""
