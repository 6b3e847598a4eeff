"""What several tests share: corpora, tiny runs, callbacks for other processes."""
