using BenchmarkDotNet.Running;
using Deepseek.Inference.Benchmarks;

// dotnet run -c Release --project benchmarks/Deepseek.Inference.Benchmarks -- --filter '*Widening*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, BenchmarkSettings.Create());
