"""The words of a mail signed with PGP in its text: what the signature adds around them is taken off."""

from __future__ import annotations

SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
SIGNATURE = "\n-----BEGIN PGP SIGNATURE-----"
END = "\n-----END PGP SIGNATURE-----"


def unsigned(text: str) -> str:
    """`text` without the frame and the dashes of RFC 9580, section 7; what is not framed whole stays as it is.

    What stands below the frame, such as the footer of a mailing list, stays below the words.
    """
    if not text.startswith(SIGNED):
        return text
    start = text.find("\n\n")  # below it and above this stand the names of the hashes
    signature = text.find(SIGNATURE, start)
    end = text.find(END, signature)
    if start < 0 or signature < 0 or end < 0:
        return text
    words = [line.removeprefix("- ") for line in text[start + 2 : signature].split("\n")]
    return "\n".join([*words, text[end + len(END) :]]) if any(map(str.strip, words)) else text
