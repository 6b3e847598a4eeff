"""This package holds what several tests share: corpora, tiny runs, callbacks for processes."""
