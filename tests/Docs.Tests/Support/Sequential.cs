using Xunit.Sdk;
using Xunit.v3;

// Most tests start a compiler or a model, which take all cores by themselves.
[assembly: Parallelization(Mode = ParallelMode.None)]
