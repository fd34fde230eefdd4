using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Compute;

/// <summary>What is done to the rows of tokens, each alone: look up, norm, add.</summary>
internal sealed unsafe class CpuRows
{
    private readonly CpuEngine _engine;
    private readonly Action<int, int> _embed;
    private readonly Action<int, int> _norm;
    private readonly Action<int, int> _round;
    private readonly Action<int, int> _add;
    private readonly Action<int, int> _sum;
    private float* _x; // [N, width]
    private long _width;
    private float* _weight; // [width]
    private double _epsilon;
    private CpuInput _into = null!;
    private long _stride; // of what is normed
    private int _offset; // where it goes in a row
    private float* _addend; // [N, width]
    private WeightMatrix _table = null!;
    private int* _ids; // [N]
    private ExpertSum _experts;

    public CpuRows(CpuEngine engine)
    {
        _engine = engine;
        (_embed, _norm, _round, _add, _sum) = (EmbedRow, NormRow, RoundRow, AddRow, SumRow);
    }

    /// <summary>y += x.</summary>
    public void Add(float* x, float* y, int count) => VectorMath.Add(_engine.Path, x, y, count);

    /// <summary>Rows of a table.</summary>
    /// <param name="table">[vocabulary, D].</param>
    /// <param name="ids">[N].</param>
    /// <param name="count">N.</param>
    /// <param name="x">Receives [N, D].</param>
    public void Embed(WeightMatrix table, int* ids, int count, float* x)
    {
        _table = table;
        _ids = ids;
        _x = x;
        _engine.Each(count, _embed);
    }

    /// <summary>Norms rows, and rounds them where that has been reserved.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="stride">Numbers from one row to the next.</param>
    /// <param name="weight">The gain, fp32.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="into">Receives them; what was reserved says how many and how wide.</param>
    public void Norm(float* x, long stride, Tensor weight, double epsilon, CpuInput into)
    {
        Norm(x, stride, weight, epsilon, into, 0, into.Columns);
        Round(into);
    }

    /// <summary>Norms rows into a part of others.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="stride">Numbers from one row to the next.</param>
    /// <param name="weight">The gain, fp32.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="into">Receives them.</param>
    /// <param name="offset">Where in a row.</param>
    /// <param name="width">Numbers that are normed.</param>
    public void Norm(float* x, long stride, Tensor weight, double epsilon, CpuInput into, int offset, int width)
    {
        (_stride, _epsilon, _into, _offset, _width) = (stride, epsilon, into, offset, width);
        _x = x;
        _weight = (float*)weight.Address();
        _engine.Each(into.Tokens, _norm);
    }

    /// <summary>Rounds rows that have been written in fp32, where that has been reserved.</summary>
    public void Round(CpuInput input)
    {
        if (input.Rounded is null)
            return;

        _into = input;
        _engine.Each(input.Tokens, _round);
    }

    /// <summary>x += addend, both [count, width].</summary>
    public void AddAll(float* x, float* addend, int count, long width)
    {
        _x = x;
        _addend = addend;
        _width = width;
        _engine.Each(count, _add);
    }

    /// <summary>x += Σ weight · result of each token's experts in their order, then the shared expert's result.</summary>
    public void Sum(float* x, int count, long width, ExpertSum experts)
    {
        (_width, _experts) = (width, experts);
        _x = x;
        _engine.Each(count, _sum);
    }

    private void EmbedRow(int token, int worker) => _table.WidenRows(_ids[token], 1, _x + (token * _table.Columns));

    private void NormRow(int token, int worker) =>
        VectorMath.RmsNorm(_engine.Path, _x + (token * _stride), _weight, _epsilon, _into.Row(token) + _offset, (int)_width);

    private void RoundRow(int token, int worker) => _into.Round(token);

    private void AddRow(int token, int worker) => VectorMath.Add(_engine.Path, _addend + (token * _width), _x + (token * _width), (int)_width);

    private void SumRow(int token, int worker)
    {
        var (width, chosen) = ((int)_width, _experts.Chosen);
        var sum = _engine.Results(worker, width);
        new Span<float>(sum, width).Clear();
        for (var k = token * chosen; k < (token + 1) * chosen; k++)
            VectorMath.AddScaled(_engine.Path, _experts.Results + (_experts.Places[k] * _width), _experts.Weights[k], sum, width);
        if (_experts.Shared is not null)
            VectorMath.Add(_engine.Path, _experts.Shared + (token * _width), sum, width);
        VectorMath.Add(_engine.Path, sum, _x + (token * _width), width);
    }
}

/// <summary>The results of N tokens' experts, and how they are added.</summary>
/// <param name="chosen">K, experts of a token; 0 for none.</param>
/// <param name="results">[places, D].</param>
/// <param name="places">The place of each token's results, [N, K].</param>
/// <param name="weights">Their factors, [N, K].</param>
/// <param name="shared">The shared expert's results, [N, D]; null for none.</param>
internal readonly unsafe struct ExpertSum(int chosen, float* results, int* places, float* weights, float* shared)
{
    public readonly int Chosen = chosen;
    public readonly float* Results = results;
    public readonly int* Places = places;
    public readonly float* Weights = weights;
    public readonly float* Shared = shared;
}
