namespace Andrea.Training;

/// <summary>What one step trains on: windows in a row of one source. Together with data, seed and context it says every token of the step's
/// micro-batches, so it is all that is needed to train on the same batch again.</summary>
/// <param name="Source">Index of the source in the data; 0 where there is one.</param>
/// <param name="FirstWindow">Number of the first window in the source's own order, from 0.</param>
/// <param name="WindowCount">Windows of all micro-batches: MicroBatches x BatchSize.</param>
internal readonly record struct BatchDraw(int Source, long FirstWindow, int WindowCount);
