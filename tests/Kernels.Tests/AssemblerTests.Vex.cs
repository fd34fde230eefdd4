namespace Deepseek.Inference.Kernels.Tests;

// Vectors of 256 bits.
public sealed partial class AssemblerTests
{
    private static readonly Dictionary<string, Action<Assembler, Ymm, Ymm, Ymm>> ThreeYmm = new()
    {
        ["Vpxor"] = (to, a, b, c) => to.Vpxor(a, b, c),
        ["Vpand"] = (to, a, b, c) => to.Vpand(a, b, c),
        ["Vpaddd"] = (to, a, b, c) => to.Vpaddd(a, b, c),
        ["Vpmaddwd"] = (to, a, b, c) => to.Vpmaddwd(a, b, c),
        ["Vpunpcklbw"] = (to, a, b, c) => to.Vpunpcklbw(a, b, c),
        ["Vpunpckhbw"] = (to, a, b, c) => to.Vpunpckhbw(a, b, c),
        ["Vpshufb"] = (to, a, b, c) => to.Vpshufb(a, b, c),
        ["Vaddps"] = (to, a, b, c) => to.Vaddps(a, b, c),
        ["Vmulps"] = (to, a, b, c) => to.Vmulps(a, b, c),
    };

    private static readonly Dictionary<string, Action<Assembler, Ymm, Ymm, Address>> TwoYmmAndMemory = new()
    {
        ["Vpand"] = (to, a, b, c) => to.Vpand(a, b, c),
        ["Vaddps"] = (to, a, b, c) => to.Vaddps(a, b, c),
        ["Vfmadd213ps"] = (to, a, b, c) => to.Vfmadd213ps(a, b, c),
    };

    private static readonly Dictionary<string, Action<Assembler, Ymm, Address>> YmmLoads = new()
    {
        ["Vmovdqu"] = (to, a, b) => to.Vmovdqu(a, b),
        ["Vpbroadcastq"] = (to, a, b) => to.Vpbroadcastq(a, b),
        ["Vbroadcastss"] = (to, a, b) => to.Vbroadcastss(a, b),
        ["Vpmovsxbd"] = (to, a, b) => to.Vpmovsxbd(a, b),
    };

    [Fact]
    public void Vectors256_AnyRegistersAndPlaces_AreReadAsWritten()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b, c, place) = (HalfVector(), HalfVector(), HalfVector(), Place());
            foreach (var (name, write) in ThreeYmm)
                AssertReads($"{name} {a}, {b}, {c}", to => write(to, a, b, c));
            foreach (var (name, write) in TwoYmmAndMemory)
                AssertReads($"{name} {a}, {b}, {Text(place)}", to => write(to, a, b, place));
            foreach (var (name, write) in YmmLoads)
                AssertReads($"{name} {a}, {Text(place)}", to => write(to, a, place));
            AssertReads($"Vmovdqu {Text(place)}, {a}", to => to.Vmovdqu(place, a));
            AssertReads($"Vcvtdq2ps {a}, {b}", to => to.Vcvtdq2ps(a, b));
            AssertReads($"Vpsrlw {a}, {b}, 9", to => to.Vpsrlw(a, b, 9));
            AssertReads($"Vshufps {a}, {b}, {c}, 221", to => to.Vshufps(a, b, c, 221));
        }
    }

    private Ymm HalfVector() => new(_random.Next(16));
}
