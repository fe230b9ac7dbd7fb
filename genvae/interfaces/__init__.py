"""The interfaces that plugins implement: the contract between genvae and the parts of a pipeline.

    dataset      where recordings come from (no torch: the processes that decode have no use for it)
    transform    waveforms -> features, and back to a spectrogram
    model        features -> latents -> features, and its posterior
    prior        latents of a genre
    vocoder      a spectrogram -> a waveform
    schedule     how the learning rate changes over a training (no torch)
    callback     what is told how a training goes
    embedder     what turns clips into points, to compare sets of them
    metric       a number for a set of clips

`training_step` has what a model or a vocoder is handed for one update of its weights.

Shapes: waveforms [B, samples] in ±1; features and spectrograms [B, bins, frames]; latents [B, latent_dim]; genres [B],
int64 indices into the run's list of genres. Everything that draws takes a `torch.Generator` on the tensors' device.

All of these names are in `genvae` itself, which is where plugins take them from.
"""
