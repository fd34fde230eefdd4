namespace Deepseek.Inference.Evaluation;

/// <summary>What is about to be timed.</summary>
/// <param name="Test"><c>prefill</c>, <c>fill</c> (of memory with experts) or <c>decode</c>.</param>
/// <param name="Repetition">The repetition, from 1; 0 while the test is warmed up.</param>
/// <param name="Repetitions">How many there will be.</param>
public readonly record struct ModelBenchmarkProgress(string Test, int Repetition, int Repetitions);
