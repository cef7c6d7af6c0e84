"""Whether an encoder of the user's own gives the same audio the same point."""

from relatives import embedding, jobs, own_encoders, repeatability, storage


def main(job):
    """Examine it on some of the originals; return its files."""
    own = job.params.own
    encoder = embedding.encoder(own, job.params.sample_rate, job.params.device, job.threads)
    # the originals have one magnitude: (1, excerpts, samples) -> (excerpts, samples)
    originals = storage.Blocks(job.input.originals)[0]
    excerpts = originals[repeatability.some(len(originals), encoder.batch)]
    checks = repeatability.examine(encoder, excerpts)
    repeatability.believe(encoder, checks)
    for sentence in repeatability.sentences(checks):
        print(sentence, flush=True)
    storage.write_tables({"examination": repeatability.table(checks)}, job.output)
    return own_encoders.files(own)


jobs.run(main)
