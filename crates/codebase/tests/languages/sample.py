"""Module."""
from __future__ import annotations
import os.path as p, sys
from ..a import (b as c, d)
from . import *

__all__ = ["A", "f"]
LIMIT = 10

@decorate(x)
# between
class A(B, metaclass=M):
    """About A.

    More.
    """
    SIZE: int = 5

    @property
    async def f(self, x: int = 1, *args) -> str:
        'About f.'
        return [y for y in x if y] and g()

    def _private(self): pass

    class Inner:
        def deep(self):
            def local(): pass

def f(): pass
type T = int
