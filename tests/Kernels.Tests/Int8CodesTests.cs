using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class Int8CodesTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void EncodeAndDecode_AnyLengthAndScale_EqualScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260281);
        for (var length = 0; length <= 130; length++)
        {
            foreach (var scale in new[] { 1 / 127f, 0.002f, 3e-45f, 2e36f })
            {
                var weights = Nf4Tests.Values(random, length, 127 * scale);
                var (expected, actual) = (new sbyte[length], new sbyte[length]);
                var (decoded, decodedActual) = (new float[length], new float[length]);

                Int8Codes.Encode(KernelPath.Scalar, weights, scale, expected);
                Int8Codes.Encode(path, weights, scale, actual);
                Int8Codes.Decode(KernelPath.Scalar, expected, -scale, decoded);
                Int8Codes.Decode(path, expected, -scale, decodedActual);

                Assert.Equal(expected, actual);
                Assert.Equal(MemoryMarshal.Cast<float, int>(decoded), MemoryMarshal.Cast<float, int>(decodedActual));
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_HandWorkedWeights_TiesGoToEvenAndTheEndsHold(KernelPath path)
    {
        var weights = new float[32];
        float[] first = [1, 3, 5, -1, -3, 253, 254, 255, 1000, -255, -1e30f, 0, -0f, 0.99f, 1.01f, 2];
        first.CopyTo(weights, 0);
        var codes = new sbyte[32];

        Int8Codes.Encode(path, weights, 2, codes);

        Assert.Equal([0, 2, 2, 0, -2, 126, 127, 127, 127, -127, -127, 0, 0, 0, 1, 1], codes[..16]);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Encode_Scale0_GivesZeros(KernelPath path)
    {
        var codes = Enumerable.Repeat((sbyte)5, 20).ToArray();

        Int8Codes.Encode(path, new float[20], 0, codes);

        Assert.All(codes, code => Assert.Equal(0, code));
    }

    [Theory, MemberData(nameof(Paths))]
    public void Decode_EveryCode_IsItsNumberTimesTheScale(KernelPath path)
    {
        var codes = Enumerable.Range(-128, 256).Select(code => (sbyte)code).ToArray();
        var weights = new float[256];

        Int8Codes.Decode(path, codes, 0.5f, weights);

        Assert.Equal(Enumerable.Range(-128, 256).Select(code => code * 0.5f), weights);
    }
}
