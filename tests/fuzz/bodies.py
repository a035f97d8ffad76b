"""Bodies of jobs: good ones, and what comes of them by small and large changes. Plain Python, for its speed."""

import base64
import json
from collections.abc import Callable, Iterator
from random import Random

# Raw JSON texts for each key that means something: good ones, on the edge, wrong and absurd. Names are few, so that the
# lists of subscribers stay small however many bodies there are.
ANYTHING = [
    b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"0.5", b"1e3", b"1e999", b"-1e999", b"1e-400",
    b"9" * 30, b"9" * 400, b"0." + b"1" * 400, b'""', b'"x"', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"', '"ü"'.encode(), b'"\xff"', b'"\\x"', b'"\n"', b'"a\\nb"', b"[]", b"{}", b"[[]]", b'{"a":1}',
    b'{"a":1,"a":2}', b'["x"]', b"[1,2,3]", b"NaN", b"Infinity", b"-", b"01", b"1.", b".5", b"[1,]", b'{"a":}', b"",
    b'"' + b"x" * 300 + b'"', b"[" * 20 + b"]" * 20, b"[" * 600 + b"]" * 600, b'{"":' * 520 + b"1" + b"}" * 520,
    b"[" * 2000, b"]" * 3, b'"unended', "\"\u2028\ufeff\"".encode(), b'"' + b"\\u0041" * 20 + b'"', b"tru", b"\x00",
]  # fmt: skip
TOPICS = [
    b'"news"', b'"memos"', b'"a_b"', b'"a"', b'"_"', b'"__"', b'"__matchmaking"', b'"subscribe"', b'"fanout"',
    b'"unsubscribe"', b'"register"', b'"fanout.news"', b'"t\\tab"', b'"t\\u0000"', b'"' + b"t" * 250 + b'"',
    b'"' + b"t" * 256 + b'"', '"ünï"'.encode(), b'"*"', b'"__gearhorn_mark_1"',
]  # fmt: skip
CLIENT_IDS = [
    b'"ann"', b'"bob"', b'"b_c"', b'"c"', b'"_"', b'"fanout"', b'"subscriber"', b'"' + b"i" * 250 + b'"',
    b'"' + b"i" * 255 + b'"', b'"\\n"', '"世界"'.encode(), b'"x y"',
]  # fmt: skip
USUAL: dict[bytes, list[bytes]] = {
    b"topic": TOPICS,
    b"client_id": CLIENT_IDS,
    b"ttl": [b"0", b"60", b"0.001", b"-5", b"1e18", b"1e308", b'"60"', b"315619200", b"true"],
    b"payload": [b'"hello"', b'"aGVsbG8="', b'"aGVsbG8"', b'{"a": [1, 2 , {}]}', b'"\\u00fc\\n"', b"[1.0, -0, 1e999]"],
    b"unique": [b'"u"', b'"-"', b'"' + b"u" * 63 + b'"', b'"' + b"u" * 64 + b'"', b'"u\\u0000u"', b'""'],
    b"background": [b"true", b"false", b"1", b"0", b'""', b'"no"', b"[]"],
    b"timeout": [b"0.001", b"0.01", b"0", b"-1", b"1e308", b'"1"'],
    b"priority": [b'"high"', b'"normal"', b'"low"', b'"HIGH"', b'""', b"1"],
    b"encoding": [b'"base64"', b'"base32"', b"null", b'"BASE64"'],
    b"exclude": [b"[]", b'["ann"]', b'["ann","bob","c"]', b'["ann",1]', b'"ann"', b'["\\n"]', b'[["ann"]]'],
    b"expires": [b"0", b"1", b"9999999999", b"-1", b'"1"', b"1e300"],
    b"results": [b"true", b"false", b'"failures"', b'"all"', b"1", b"null"],
    b"signature": [b'"x"', b"{}", b"1"],
    b"key": [b'"k1"', b"1"],
    b"time": [b"1", b"1e999", b'"now"'],
    b"nonce": [b'"n"', b'""', b"[]"],
    b"ignored": [b"1", b'"x"', b"{}"],
}  # fmt: skip
NEEDED = (b"topic", b"client_id", b"payload")
SPACES = [b"", b"", b"", b" ", b"\n\t", b"\r\n  ", b"\x0b", b"\xc2\xa0"]
MARKS = b'{}[]",:\\\x00\xff0e-+tfn\xed\xa0\x80/ \n'


class Bodies:
    """An endless row of bodies, the same for the same seed. `more` are good ones to be changed too."""

    def __init__(self, seed: int, more: list[bytes] | None = None) -> None:
        self._random = Random(seed)
        self._more = more or []
        self._last = [b'{"topic":"news","payload":"hello"}'] * 8
        self._makers: list[Callable[[], bytes]] = [
            *[self._object] * 9, *[self._changed] * 8, *[self._tree] * 2, self._noise, self._spliced, self._known,
        ]  # fmt: skip

    def __iter__(self) -> Iterator[bytes]:
        choose, makers = self._random.choice, self._makers
        while True:
            body = choose(makers)()
            if len(body) > 20_000:
                body = body[:20_000]
            self._last[int(self._random.random() * 8)] = body
            yield body

    def _known(self) -> bytes:
        return self._random.choice(self._more) if self._more else self._object()

    def _object(self) -> bytes:
        """Keys with values that belong to them, mostly."""
        random, choose = self._random.random, self._random.choice
        names = [name for name in NEEDED if random() < 0.93]
        names += [choose(list(USUAL)) for _ in range(int(random() * 5))]
        parts = []
        for name in names:
            value = choose(USUAL[name]) if random() < 0.85 else choose(ANYTHING)
            space = choose(SPACES) if random() < 0.05 else b""
            parts.append(b'%b"%b"%b:%b' % (space, name, space, value))
        if random() < 0.1:
            self._random.shuffle(parts)
        return b"{%b}" % b",".join(parts)

    def _changed(self) -> bytes:
        """A few bytes of another one changed."""
        random = self._random.random
        body = bytearray(self._random.choice(self._last) if random() < 0.7 else self._object())
        for _ in range(1 + int(random() * random() * 6)):
            self._change(body)
        return bytes(body)

    def _change(self, body: bytearray) -> None:
        random = self._random.random
        at = int(random() * (len(body) + 1))
        kind = random()
        if kind < 0.3:
            body[at : at + 1] = MARKS[(mark := int(random() * len(MARKS))) : mark + 1]
        elif kind < 0.5:
            body[at:at] = MARKS[(mark := int(random() * len(MARKS))) : mark + 1]
        elif kind < 0.65:
            del body[at : at + 1 + int(random() * 8)]
        elif kind < 0.75:
            body[at:at] = body[at : at + int(random() * 40)] * int(random() * 4)
        elif kind < 0.85:
            del body[at:]
        elif kind < 0.95 and at < len(body):
            body[at] ^= 1 << int(random() * 8)
        else:
            body[at:at] = self._random.choice(ANYTHING)

    def _tree(self) -> bytes:
        """Any JSON at all, or an object with such values."""
        if self._random.random() < 0.3:
            return json.dumps(self._value(4), ensure_ascii=self._random.random() < 0.5).encode("utf-8", "surrogatepass")
        keys = {name.decode(): self._value(3) for name in self._random.sample(list(USUAL), 4)}
        return json.dumps({"topic": "news", "payload": "x", **keys}).encode()

    def _value(self, depth: int) -> object:
        kind = self._random.random()
        if depth and kind < 0.2:
            return [self._value(depth - 1) for _ in range(int(kind * 20))]
        if depth and kind < 0.4:
            return {self._text(): self._value(depth - 1) for _ in range(int(kind * 10))}
        if kind < 0.7:
            return self._text()
        return self._random.choice([None, True, False, 0, -1, 1e308, 2**64, -(2**63), 0.1, float("nan"), float("inf")])

    def _text(self) -> str:
        alphabet = 'ab_"\\\n\0\t {}[]üß世😀\ud800\udfff\u2028\x7f\x85'
        return "".join(self._random.choices(alphabet, k=int(self._random.random() * 6)))

    def _noise(self) -> bytes:
        data = self._random.randbytes(int(self._random.random() ** 2 * 200))
        return base64.b64encode(data) if self._random.random() < 0.2 else data

    def _spliced(self) -> bytes:
        one, other = self._random.choice(self._last), self._object()
        return one[: int(self._random.random() * len(one))] + other[int(self._random.random() * len(other)) :]
