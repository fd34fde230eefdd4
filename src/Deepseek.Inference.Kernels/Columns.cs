namespace Deepseek.Inference.Kernels;

/// <summary>Columns that follow one another.</summary>
/// <param name="First">The first.</param>
/// <param name="End">Behind the last.</param>
internal readonly record struct Columns(int First, int End);
