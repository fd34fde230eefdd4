namespace Deepseek.Inference.Tests;

/// <summary>Tests that look at or change the whole process: they run alone, after all others.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;
