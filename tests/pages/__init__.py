"""Tests in a real browser, which runs for as long as they do."""
