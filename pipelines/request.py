"""What every corpus command is asked for, and the recipe that follows from it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines import recipe_paths, recipes
from webtext import recipe, store
from webtext.corpus import Corpus
from webtext.engine import Engine, EngineName
from webtext.engine.local import LocalEngine
from webtext.errors import UserError
from webtext.progress import Progress
from webtext.recipe import Recipe


@dataclass(frozen=True)
class Request:
    """A corpus, the recipe and settings asked for, and what is to run the stages."""

    root: Path
    recipe: str | None = None  # a name or a file; None: the corpus' own, or "webtext" for a new one
    settings: tuple[str, ...] = ()
    workers: int | None = None
    engine: EngineName = EngineName.LOCAL
    ray_address: str | None = None  # None: RAY_ADDRESS, else a cluster on this machine that ends with us

    def __post_init__(self) -> None:
        if self.ray_address and self.engine is not EngineName.RAY:
            raise UserError(f"--ray-address {self.ray_address}: add --engine ray, which alone asks a cluster")
        if self.engine is EngineName.RAY:  # its workers have another working directory
            object.__setattr__(self, "root", self.root.absolute())

    @property
    def shares_nothing(self) -> bool:
        """Whether tasks may run on machines that have only the object store in common."""
        many = self.engine is EngineName.RAY and bool(self.ray_address or os.environ.get("RAY_ADDRESS"))
        return many and store.of(self.root) is not None

    def start_engine(self) -> Engine:
        if self.engine is EngineName.LOCAL:
            return LocalEngine(self.workers or os.cpu_count() or 1)
        from webtext.engine.ray import RayEngine  # an extra

        return RayEngine(self.workers, self.ray_address)

    def wanted(self) -> Recipe:
        """The recipe asked for; what was frozen in the corpus holds unless another one is named."""
        corpus = Corpus(self.root)
        frozen = corpus.recipe() if corpus.has_recipe else None
        named = "webtext" if self.recipe is None else self.recipe
        there = frozen if frozen and self.recipe is None else recipes.find(named)
        return recipe_paths.anywhere(recipe.override(there, self.settings), frozen)

    def settle(self, progress: Progress, wanted: Recipe | None = None) -> Recipe:
        """Freezes a recipe, by default the one asked for, in the corpus, and says what it changes."""
        corpus, wanted = Corpus(self.root), wanted or self.wanted()
        if corpus.has_recipe:
            changes = recipe.differences(corpus.recipe(), wanted)
            for change in changes:
                progress.note(f"recipe: {change}")
            if not changes:
                return wanted
        corpus.freeze(wanted)
        return wanted

    @contextmanager
    def settled_if_new(self, progress: Progress) -> Iterator[None]:
        """Freezes the recipe of a new corpus while the block runs, so that a run that is killed goes on with
        it; a UserError in the block takes it back."""
        corpus = Corpus(self.root)
        if corpus.has_recipe:
            yield
            return
        self.settle(progress)
        try:
            yield
        except UserError:
            corpus.unfreeze()
            raise
