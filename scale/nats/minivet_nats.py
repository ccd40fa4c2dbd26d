#!/usr/bin/env python3
"""Feeds `minivet worker` from a NATS JetStream work queue.

    minivet_nats.py submit MANIFEST     put the jobs of a manifest into the queue
    minivet_nats.py work                take jobs, have them vetted, store results (run one for each core)
    minivet_nats.py export MANIFEST     write one result for each job of the manifest, in its order
    minivet_nats.py status              what waits, what is stored, what was given up

A job is acknowledged after its result is stored, so a worker or server that dies costs time, and no result. A result's
subject is the hash of what was vetted, and the server keeps one message for a subject, so a job that ran twice has one
result. Packages with the same bytes and the same submission are one job.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys

import nats
from nats.errors import Error as NatsError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

JOBS, RESULTS, DEAD = "MINIVET_JOBS", "MINIVET_RESULTS", "MINIVET_DEAD"
DURABLE = "workers"
# Errors of the server: too many messages in the stream, or under the subject.
FULL, TAKEN = "maximum messages exceeded", "maximum messages per subject exceeded"
# Seconds without a sign of life until a job goes to another worker.
ACK_WAIT = 30
DAY = 24 * 3600


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def key_of(job):
    """What the result of a job depends on."""
    rest = {name: job[name] for name in ("submission", "baseline", "limits") if name in job}
    text = json.dumps([job["sha256"], rest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def jobs_of(manifest):
    """The jobs of a manifest, with hash and key; paths start from its folder. One that cannot be read has no key."""
    folder = os.path.dirname(os.path.abspath(manifest))
    with open(manifest, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            job = json.loads(line)
            job["path"] = os.path.join(folder, job["path"])
            try:
                found = sha256_of(job["path"])
            except OSError as error:
                yield job, None, str(error)
                continue
            if job.get("sha256", found).lower() != found:
                yield job, None, f"sha256: the job says {job['sha256']}"
                continue
            job["sha256"] = found
            yield job, key_of(job), None


async def connect(args):
    async def quiet(_error):
        pass

    link = await nats.connect(
        args.server, max_reconnect_attempts=-1, reconnect_time_wait=0.2, connect_timeout=5, error_cb=quiet
    )
    stream = link.jetstream(timeout=5)
    await insist(setup, stream, args)
    return link, stream


async def insist(call, *args, **more):
    """Until it works, or the server says no."""
    while True:
        try:
            return await call(*args, **more)
        except APIError as error:
            # 503: JetStream is still starting or has no leader.
            if error.code != 503:
                raise
        except (NatsError, OSError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(0.2)


async def setup(stream, args):
    common = {"storage": StorageType.FILE, "num_replicas": args.replicas}
    wanted = [
        # A full queue refuses: whoever submits waits.
        StreamConfig(
            name=JOBS,
            subjects=["minivet.jobs.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            max_msgs=args.queue,
            duplicate_window=DAY,
            **common,
        ),
        # One message a subject, and the first one stays.
        StreamConfig(
            name=RESULTS,
            subjects=["minivet.results.*.*"],
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=1,
            **common,
        ),
        StreamConfig(name=DEAD, subjects=["minivet.dead.*.*"], **common),
    ]
    for config in wanted:
        try:
            await stream.stream_info(config.name)
        except NotFoundError:
            await stream.add_stream(config)
    # The limit on redelivery is kept by the workers, who also leave a result; the server would only stop delivering.
    await stream.add_consumer(
        JOBS,
        ConsumerConfig(
            durable_name=DURABLE,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=args.ack_wait,
            max_ack_pending=args.pending,
        ),
    )


async def store(stream, subject, payload, key):
    """Publishes until the server has it. Whether it was new."""
    while True:
        try:
            ack = await insist(stream.publish, subject, payload, headers={"Nats-Msg-Id": key})
            return not ack.duplicate
        except APIError as error:
            text = str(error.description)
            if TAKEN in text:
                return False
            if FULL not in text:
                raise
            await asyncio.sleep(0.1)


async def submit(args):
    link, stream = await connect(args)
    sent = known = bad = 0
    for job, key, error in jobs_of(args.manifest):
        if error:
            print(f"{job['id']}: {error}", file=sys.stderr)
            bad += 1
            continue
        if await result_of(stream, args.epoch, key) is not None:
            known += 1
        elif await store(stream, f"minivet.jobs.{args.epoch}", json.dumps(job).encode(), f"{args.epoch}-{key}"):
            sent += 1
        else:
            known += 1
    await link.close()
    print(f"{sent} jobs sent, {known} known, {bad} unreadable", file=sys.stderr)
    return 3 if bad else 0


async def result_of(stream, epoch, key):
    try:
        found = await insist(stream.get_last_msg, RESULTS, f"minivet.results.{epoch}.{key}", direct=False)
    except NotFoundError:
        return None
    return json.loads(found.data)


class Worker:
    """A `minivet worker`."""

    def __init__(self, command):
        self.command = command
        self.process = None

    async def ask(self, line):
        for _ in range(2):
            if self.process is None:
                self.process = await asyncio.create_subprocess_exec(
                    *self.command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=256 << 20,
                )
            try:
                self.process.stdin.write(line + b"\n")
                await self.process.stdin.drain()
                answer = await self.process.stdout.readline()
            except OSError:
                answer = b""
            if answer.endswith(b"\n"):
                return answer[:-1]
            self.end()
        return None

    def end(self):
        if self.process and self.process.returncode is None:
            self.process.kill()
        self.process = None


async def alive(message, every):
    while True:
        await asyncio.sleep(every)
        try:
            await message.in_progress()
        except NatsError:
            pass


async def work(args):
    link, stream = await connect(args)
    worker = Worker(args.minivet + ["worker"] + args.options)
    queue = None
    try:
        while True:
            try:
                if queue is None:
                    queue = await stream.pull_subscribe_bind(DURABLE, stream=JOBS)
                [message] = await queue.fetch(1, timeout=5)
            except (NatsError, OSError, asyncio.TimeoutError):
                if args.drain and link.is_connected and await empty(stream):
                    return 0
                continue
            await one(args, stream, worker, message)
    finally:
        worker.end()
        await link.close()


async def empty(stream):
    try:
        return (await stream.stream_info(JOBS)).state.messages == 0
    except (NatsError, OSError, asyncio.TimeoutError):
        return False


async def one(args, stream, worker, message):
    job = json.loads(message.data)
    key = key_of(job)
    epoch = message.subject.rsplit(".", 1)[1]
    deliveries = message.metadata.num_delivered
    if deliveries > args.deliveries:
        # Those before this one died with it: it may be the cause.
        await store(stream, f"minivet.dead.{epoch}.{key}", message.data, f"dead-{epoch}-{key}")
        answer = json.dumps(
            {
                "id": job["id"],
                "sha256": job["sha256"],
                "verdict": "manual-review",
                "findings": [],
                "engine_error": f"given up after {args.deliveries} deliveries",
            }
        ).encode()
    elif await result_of(stream, epoch, key) is not None:
        # Stored by one who died before the acknowledgement.
        answer = None
    else:
        signs = asyncio.create_task(alive(message, args.ack_wait / 3))
        try:
            answer = await worker.ask(json.dumps(job).encode())
        finally:
            signs.cancel()
        if answer is None:
            await message.nak(delay=1)
            return
    if answer is not None:
        await store(stream, f"minivet.results.{epoch}.{key}", answer, f"{epoch}-{key}")
    try:
        await message.ack_sync(timeout=5)
    except (NatsError, OSError, asyncio.TimeoutError):
        # It will come again, and find its result.
        pass


async def export(args):
    link, stream = await connect(args)
    missing = 0
    for job, key, error in jobs_of(args.manifest):
        if error:
            result = {"verdict": "manual-review", "findings": [], "engine_error": error}
        else:
            result = await result_of(stream, args.epoch, key)
        if result is None:
            missing += 1
            continue
        if result.get("id", job["id"]) != job["id"]:
            result["same_as"] = result["id"]
        result["id"] = job["id"]
        result.setdefault("sha256", job.get("sha256", ""))
        print(json.dumps(result, ensure_ascii=False))
    await link.close()
    if missing:
        print(f"{missing} jobs have no result yet", file=sys.stderr)
    return 3 if missing else 0


async def status(args):
    link, stream = await connect(args)
    told = {}
    for name in (JOBS, RESULTS, DEAD):
        told[name] = (await insist(stream.stream_info, name)).state.messages
    info = await insist(stream.consumer_info, JOBS, DURABLE)
    told["in_work"], told["redelivered"] = info.num_ack_pending, info.num_redelivered
    await link.close()
    print(json.dumps(told))
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    parser.add_argument("--epoch", default="1", help="name of tool, rules and configuration: a new one vets all anew")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--queue", type=int, default=100_000, help="jobs that may wait; beyond it `submit` waits")
    parser.add_argument("--pending", type=int, default=1_000, help="jobs that may be in work at a time")
    parser.add_argument("--ack-wait", type=float, default=ACK_WAIT)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("submit", submit), ("export", export)):
        command = commands.add_parser(name)
        command.add_argument("manifest")
        command.set_defaults(run=run)
    command = commands.add_parser("work")
    command.add_argument("--minivet", nargs=1, default=["minivet"])
    command.add_argument("--deliveries", type=int, default=5, help="then a job is given up, with a result that says so")
    command.add_argument("--drain", action="store_true", help="end when the queue is empty")
    command.add_argument("options", nargs="*", help="for `minivet worker`, behind `--`")
    command.set_defaults(run=work)
    commands.add_parser("status").set_defaults(run=status)
    return parser.parse_args()


if __name__ == "__main__":
    ARGS = arguments()
    sys.exit(asyncio.run(ARGS.run(ARGS)))
