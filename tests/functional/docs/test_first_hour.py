"""A stranger's first hour: the programs of the how-tos, one after the other on the small service and on real servers,
and Redis that breaks, loses its data, and is mended by what `gearhorn doctor` says.
"""

from pathlib import Path

from tests.functional.docs.pages import Page, read_page
from tests.functional.docs.rules import file_name
from tests.functional.docs.walk import walk

LISTENERS = """
```console terminal=php
$ php listen.php web1
listening
```

```console terminal=python
$ python listen.py web2
listening
```
"""

ANSWERS = """
```console any-order
$ gearhorn publish news hello --results
web1: thanks from web1
web2: thanks from web2
gearhorn: 2 of 2 receivers done
```
"""

STORY = f"""
<!-- snippets: nothing runs -->

```console terminal=service
$ gearhorn standalone
…
and publish in a third one:  gearhorn publish news 'Hello, everybody'
```

{LISTENERS}
{ANSWERS}

```console any-order
$ gearhorn publish news trouble --results
web1: exception: there is no room for that
web2: exception: there is no room for that
gearhorn: 0 of 2 receivers done
$ echo $?
4
```

```console terminal=php
^C
```

```console terminal=python
^C
```

```console terminal=service
^C
```

```console terminal=gearmand
$ gearmand --port 4730 --log-file stderr
```

```console terminal=redis
$ redis-server --port 6379
…
… Ready to accept connections
```

```console
$ echo '[store]
> url = redis://localhost:6379' > ~/.gearhorn/gearhorn.conf
```

```console terminal=service
$ gearhorn worker
…
… ready: …
```

{LISTENERS}
{ANSWERS}

Redis breaks: it keeps nothing, as one that nobody has set up.

```console terminal=redis
^C
```

```console terminal=service
… WARNING … the store is away: …
```

```console
$ gearhorn doctor
!! store
error store-unreachable: the store cannot be reached: …
fix: systemctl status redis-server; redis-cli -h localhost -p 6379 ping
…
1 error
$ echo $?
7
```

```console terminal=redis
$ redis-server --port 6379
…
… Ready to accept connections
```

Nobody takes the empty store for a list of nobody.

```console terminal=service
… ERROR … the store has lost its lists of subscribers …
```

```console
$ gearhorn publish news hello
gearhorn: the store lost its lists of subscribers at 2026-11-22T06:00:00Z, and nobody has subscribed to 'news' since
gearhorn: to find out why: gearhorn doctor
$ echo $?
6
$ gearhorn doctor
!! store
error store-lost-lists: the store lost its lists at 2026-11-22T06:00:00Z: fanouts to topics that nobody has …
fix: gearhorn topics forget-loss  # when subscribers are back, …
…
$ echo $?
7
```

Those who listen subscribe again, and then all is well.

```console terminal=php
^C
```

```console terminal=python
^C
```

{LISTENERS}
{ANSWERS}

```console
$ gearhorn topics forget-loss
gearhorn: the loss of 2026-11-22T06:00:00Z is forgotten
$ gearhorn doctor
…
warning redis-not-persistent: …
fix: redis-cli -h localhost -p 6379 config set appendonly yes …
…
$ echo $?
8
$ redis-cli -h localhost -p 6379 config set appendonly yes
OK
$ gearhorn doctor
…
all is well
```
"""


def test_a_stranger_gets_through_the_first_hour(tmp_path: Path) -> None:
    pages = (read_page("doc/howto/php.md"), read_page("doc/howto/python.md"))
    wanted = ("gearhorn.php", "listen.php", "listen.py")
    programs = tuple(block for page in pages for block in page.blocks if file_name(block) in wanted)
    assert len(programs) == len(wanted)
    story = Page.of("story", STORY)
    walk(Page(story.name, (*programs, *story.blocks), story.runs), tmp_path / "machine")
