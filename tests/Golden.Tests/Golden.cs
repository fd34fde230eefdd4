using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>Reference values that Hugging Face transformers computed, read from a <c>golden.safetensors</c>.</summary>
internal sealed class Golden(string path) : IDisposable
{
    private readonly SafetensorsFile _file = SafetensorsFile.Open(path);

    public IEnumerable<string> Names => _file.Tensors.Keys;

    public long[] Shape(string name) => [.. _file.Tensors[name].Shape];

    public float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(_file.Bytes(_file.Tensors[name])).ToArray();

    public int[] Ids(string name) => [.. MemoryMarshal.Cast<byte, long>(_file.Bytes(_file.Tensors[name])).ToArray().Select(id => (int)id)];

    public void Dispose() => _file.Dispose();

    /// <summary>The largest difference, as a share of the reference's largest magnitude.</summary>
    public static double RelativeDifference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var (difference, magnitude) = (0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(float.IsFinite(actual[i]), $"Value {i} is {actual[i]}.");
            difference = Math.Max(difference, Math.Abs(expected[i] - actual[i]));
            magnitude = Math.Max(magnitude, Math.Abs(expected[i]));
        }

        return difference / magnitude;
    }

    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what) =>
        Assert.True(RelativeDifference(expected, actual) is var difference && difference <= tolerance, $"{what} differs by {difference:e2} of the largest magnitude; {tolerance:e0} is allowed.");
}
