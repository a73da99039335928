"""Many pictures over many processes, or machines: by Dask, where there is more than one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import call


def spread(do: Callable, todo: Sequence, workers: int = 1, cluster: str | None = None
           ) -> Iterator[tuple]:
    """``(one, do(one))`` of everything, as it is finished.

    A worker that is lost costs nothing: what it had is done by another.  What costs three workers
    their life is given up, in a sentence.
    """
    if cluster is None and workers == 1 or not todo:
        for one in todo:
            yield one, do(one)
        return
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError as error:
        raise ImportError("several workers need Dask, which is not installed; install it with "
                          "pip install 'cellkit[dask]', or leave workers and cluster out."
                          ) from error
    own = None if cluster else LocalCluster(
        n_workers=min(workers, len(todo)), threads_per_worker=1, dashboard_address=None)
    client = Client(cluster or own)
    try:
        # A network travels once.  Not by scatter: what lay on a worker alone is lost with it.
        shared = client.submit(_itself, do, pure=False)
        futures = {client.submit(call, shared, one, pure=False, key=f"cellkit-{id(todo)}-{k}"): one
                   for k, one in enumerate(todo)}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, KilledWorker):
                raise error
            yield futures[future], future.result() if error is None else (
                "three workers died of it, for want of memory perhaps; try it alone.")
            future.release()
    finally:
        client.close()
        if own:
            own.close()


def _itself(one):
    return one
