"""Texts as numbers of word pieces: frequent words stay whole, rare ones fall into parts (T. Kudo, J. Richardson 2018,
SentencePiece, arXiv 1808.06226; unigram model of T. Kudo 2018, arXiv 1804.10959)."""

import io
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from mmlib import checks

PADDING, UNKNOWN = 0, 1  # numbers of the two pieces that no text is made of
LEAST = 100  # pieces: all letters, digits and signs must be among them
STEP = 8  # tokens: lengths are multiples of it, so that few differ between seeds


class WordPieces:
    """A vocabulary of at most ``vocabulary`` pieces, made from ``texts`` and from nothing else.

    Equal texts give equal pieces. Letters are lower-cased; a letter that no text has is the unknown piece, 1.
    Raises TypeError or ValueError for a vocabulary that is not a whole number from 100, or too small for the letters.
    """

    def __init__(self, texts: Iterable[str], vocabulary: int) -> None:
        import sentencepiece  # here: mmlib.data must import where only PyTorch and numpy are

        checks.whole("vocabulary", vocabulary, LEAST)
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts), model_writer=model, vocab_size=vocabulary, hard_vocab_limit=False,
                character_coverage=1.0, normalization_rule_name="nmt_nfkc_cf", pad_id=PADDING, unk_id=UNKNOWN,
                bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2,
            )  # fmt: skip
        except RuntimeError as error:
            raise ValueError(f"no {vocabulary} word pieces can be made of these texts: {error}") from error
        self._model = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())

    def __len__(self) -> int:
        return self._model.get_piece_size()

    def all(self) -> list[str]:
        """Every piece, by its number."""
        return [self._model.id_to_piece(number) for number in range(len(self))]

    def split(self, text: str) -> list[str]:
        """The pieces of ``text`` as it is read; "_" (in fact U+2581) stands for the space before a word."""
        return self._model.encode(text, out_type=str)

    def numbers(self, texts: Sequence[str]) -> Tensor:
        """Numbers of the pieces of each text, LongTensor [N, T], padded with 0; T is the smallest multiple of 8 that
        holds the longest."""
        rows = self._model.encode(list(texts), out_type=int)
        width = -(-max(map(len, rows)) // STEP) * STEP
        return torch.tensor([row + [PADDING] * (width - len(row)) for row in rows])
