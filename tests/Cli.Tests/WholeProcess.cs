namespace Deepseek.Cli.Tests;

/// <summary>Tests that run alone: what they compare depends on libtorch's number of threads, which other tests set for the whole process.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;
