using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;

namespace Deepseek.Inference.Tests.Models;

/// <summary>What meets the columns of a fixture's weights, from hidden states and in double precision.</summary>
internal sealed class ExpectedEnergies(StoredWeights weights)
{
    /// <summary>Passes are in fp32: their states carry a few roundings, and squares double them.</summary>
    private const double Tolerance = 2e-5;

    private readonly Dictionary<string, (double[] Squares, int Tokens)> _matrices = [];

    public IReadOnlyCollection<string> Names => _matrices.Keys;

    public void Add(string name, double[] input)
    {
        var (squares, tokens) = _matrices.TryGetValue(name, out var known) ? known : (new double[input.Length], 0);
        for (var column = 0; column < input.Length; column++)
            squares[column] += input[column] * input[column];
        _matrices[name] = (squares, tokens + 1);
    }

    /// <summary>The input of a weight, and the weight's output for it.</summary>
    public double[] Multiply(string name, double[] input)
    {
        Add(name, input);
        return Oracle.Linear(input, weights.Matrix(name));
    }

    public double[] Norm(string name, double[] x) => Oracle.RmsNorm(x, weights.Vector(name), weights.Config.RmsNormEpsilon);

    public double[] SwiGlu(string prefix, double[] x)
    {
        var (gate, up) = (Multiply($"{prefix}.gate_proj.weight", x), Multiply($"{prefix}.up_proj.weight", x));
        return Multiply($"{prefix}.down_proj.weight", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    /// <summary>The products of latent attention from the residual stream, without what is done with their results.</summary>
    /// <returns>The normed state and, of W_UV alone, each head's values one after the other.</returns>
    public (double[] Normed, double[] Values) LatentInputs(string layer, double[] hidden)
    {
        var shape = weights.Config.LatentAttention!;
        var normed = Norm($"{layer}.input_layernorm.weight", hidden);
        Multiply($"{layer}.self_attn.q_b_proj.weight", Norm($"{layer}.self_attn.q_a_layernorm.weight", Multiply($"{layer}.self_attn.q_a_proj.weight", normed)));
        var compressed = Multiply($"{layer}.self_attn.kv_a_proj_with_mqa.weight", normed);
        var expanded = Multiply($"{layer}.self_attn.kv_b_proj.weight", Norm($"{layer}.self_attn.kv_a_layernorm.weight", compressed[..shape.LatentRank]));
        return (normed, [.. expanded.Chunk(shape.NopeHeadSize + shape.ValueHeadSize).SelectMany(head => head[shape.NopeHeadSize..])]);
    }

    public void AssertMeasured(ColumnEnergies energies)
    {
        foreach (var (name, (squares, tokens)) in _matrices)
        {
            Assert.Equal((name, tokens), (name, energies.TokensOf(name)));
            var expected = Array.ConvertAll(squares, square => square / tokens);
            var actual = energies.Measured[name].MeanSquares; // of an expert, not yet drawn towards the others
            var difference = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max();
            Assert.True(difference <= Tolerance, $"{name} differs by {difference:e2} of the largest energy; {Tolerance:e0} is allowed.");
        }
    }
}
