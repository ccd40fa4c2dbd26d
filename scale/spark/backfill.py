#!/usr/bin/env python3
"""Vets a whole store of packages with Spark: `minivet worker` as a filter of an RDD.

    spark-submit backfill.py --minivet /opt/minivet --manifest 's3a://store/manifest/*.jsonl' --out s3a://store/results/2026-06

Each line of the manifest is a job (`id`, `path`, and `sha256`, `submission` where wanted); paths must be readable on the
executors (a shared file system; or fetch the archives to local disk in a step before). `minivet` must stand at the same
path on every executor. Each partition starts one worker, which supervises one child: a package that aborts, hangs or
explodes costs its own line, so a task fails only when the machine does, and Spark runs it again.
"""

import argparse
import json
import shlex

from pyspark.sql import SparkSession


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minivet", default="minivet")
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--partitions", type=int, default=0, help="by default four for each core of the cluster")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for one package")
    args = parser.parse_args()

    spark = SparkSession.builder.appName("minivet backfill").getOrCreate()
    context = spark.sparkContext
    partitions = args.partitions or context.defaultParallelism * 4

    def job_of(line):
        try:
            job = json.loads(line)
        except ValueError:
            return {}
        return job if isinstance(job, dict) else {}

    def key(line):
        # Packages with the same hash and submission are vetted once. A line that is no job has an answer, too.
        job = job_of(line)
        if "path" not in job:
            return line
        parts = [job.get("sha256") or job["path"], job.get("submission"), job.get("baseline"), job.get("limits")]
        return json.dumps(parts, sort_keys=True)

    def ident(line):
        return str(job_of(line).get("id", ""))

    def renamed(pair):
        (other, answer) = pair
        answer = json.loads(answer)
        answer["same_as"], answer["id"] = answer["id"], other
        return json.dumps(answer, ensure_ascii=False)

    lines = context.textFile(args.manifest).filter(lambda line: line.strip()).keyBy(key).cache()
    # The same line stands for a key whenever a task runs again.
    first = lines.reduceByKey(min, numPartitions=partitions)
    command = f"{shlex.quote(args.minivet)} worker --timeout {args.timeout}"
    # `checkCode` fails the task when the worker ends before its input does.
    answers = first.values().pipe(command, checkCode=True).cache()
    # Other ids of the same package get its answer under their own name.
    others = lines.join(first).values().filter(lambda pair: pair[0] != pair[1])
    others = others.map(lambda pair: (ident(pair[1]), ident(pair[0])))
    copies = others.join(answers.keyBy(ident)).values().map(renamed)
    answers.union(copies).saveAsTextFile(args.out, "org.apache.hadoop.io.compress.GzipCodec")
    spark.stop()


if __name__ == "__main__":
    main()
