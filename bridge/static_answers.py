"""Static answers, the same for whoever asks: in gzip for whoever takes it, and nothing (304) for whoever has the very
same already, which its ETag says."""

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from litestar import MediaType, Request, Response

from bridge.compression import takes_gzip

__all__ = ["static_answer"]

# As many as the files of a build or two, and the OpenAPI document.
KEPT_ANSWERS = 65


class _Forms(NamedTuple):
    """What is answered in both forms, each with a tag of its own: they are not the same bytes."""

    etag: str
    compressed: bytes | None
    """Nothing, where it would be no smaller."""
    compressed_etag: str


async def static_answer(
    request: Request[Any, Any, Any],
    content: bytes,
    media_type: MediaType | str | None,
    headers: Mapping[str, str],
    *,
    is_text: bool = True,
) -> Response[bytes]:
    """An answer whose content has no secret in it, nor anything of whoever asks. What is no text is compressed as it
    is; `headers` say how long the answer is good."""
    forms = await asyncio.to_thread(_forms_of, content, is_text=is_text)
    said = {**headers, "ETag": forms.etag}
    if forms.compressed is not None:
        said["Vary"] = "Accept-Encoding"
        if takes_gzip(",".join(request.headers.getall("accept-encoding", []))):
            content = forms.compressed
            said |= {"ETag": forms.compressed_etag, "Content-Encoding": "gzip"}
    if _has(said["ETag"], ",".join(request.headers.getall("if-none-match", []))):
        said.pop("Content-Encoding", None)  # of no content
        return Response(b"", status_code=304, headers=said)
    return Response(content, media_type=media_type, headers=said)


@lru_cache(maxsize=KEPT_ANSWERS)
def _forms_of(content: bytes, *, is_text: bool) -> _Forms:
    """Once for each content."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    compressed = gzip.compress(content, mtime=0) if is_text else content
    return _Forms(
        etag=f'"{digest}"',
        compressed=compressed if len(compressed) < len(content) else None,
        compressed_etag=f'"{digest}-gzip"',
    )


def _has(etag: str, if_none_match: str) -> bool:
    """Whether whoever asks has just this, also where a proxy has called it weak (RFC 9110, section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags
