using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Compute;

/// <summary>Products of several matrices with the rows of some tokens, shared out in one go: y[t, r] = Σ x[t, c] · W[r, c] + b[r].</summary>
internal sealed unsafe class CpuProducts : IDisposable
{
    // Tokens of an item: the weights of a unit are decoded once for them.
    private const int TokenBlock = 512;

    private readonly CpuEngine _engine;
    private readonly CpuBuffer _identity = new();
    private readonly Action<int, int> _item;
    private Product[] _products = new Product[4];
    private int _count;
    private int _items;
    private int* _tokens; // 0, 1, 2, …
    private int _known;

    public CpuProducts(CpuEngine engine)
    {
        _engine = engine;
        _item = Run;
    }

    /// <summary>Adds a product to the next run.</summary>
    /// <param name="matrix">The weights.</param>
    /// <param name="x">The tokens' rows, all of them.</param>
    /// <param name="y">Receives [tokens × rows of the matrix].</param>
    /// <param name="stride">Numbers from one token's outputs to the next one's.</param>
    /// <param name="bias">Added to each token's outputs; null for none.</param>
    public void Add(WeightMatrix matrix, CpuInput x, float* y, long stride, float* bias = null)
    {
        if (_count == _products.Length)
            Array.Resize(ref _products, 2 * _count);
        _products[_count++] = new Product(matrix, x, y, stride, bias, _items);
        _items += CpuEngine.UnitsOf(matrix) * BlocksOf(x.Tokens);
        _engine.Count(matrix);
        Know(x.Tokens);
    }

    /// <summary>Computes what has been added; afterwards nothing is, also where it fails.</summary>
    public void Run()
    {
        try
        {
            _engine.Each(_items, _item);
        }
        finally
        {
            Clear();
        }
    }

    /// <summary>Forgets what has been added: of a pass that failed, it would lead to memory that is gone.</summary>
    public void Clear()
    {
        Array.Clear(_products, 0, _count); // no reference to weights stays
        (_count, _items) = (0, 0);
    }

    /// <summary>The numbers from 0 on, as many as asked for.</summary>
    public int* Consecutive(int count)
    {
        Know(count);
        return _tokens;
    }

    public void Dispose() => _identity.Dispose();

    private static int BlocksOf(int tokens) => (tokens + TokenBlock - 1) / TokenBlock;

    private void Run(int item, int worker)
    {
        var index = _count - 1;
        while (_products[index].FirstItem > item)
            index--;

        var product = _products[index];
        var (unit, block) = Math.DivRem(item - product.FirstItem, BlocksOf(product.X.Tokens));
        var first = block * TokenBlock;
        var count = Math.Min(TokenBlock, product.X.Tokens - first);
        var y = product.Y + (first * product.Stride) + ((long)unit * CpuEngine.UnitRows);
        _engine.Multiply(product.Matrix, unit, product.X, _tokens + first, true, count, y, product.Stride, worker, CpuEngine.AddressAfter(product.Matrix, unit, index + 1 < _count ? _products[index + 1].Matrix : null));
        if (product.Bias is null)
            return;

        var rows = (int)Math.Min(CpuEngine.UnitRows, product.Matrix.Rows - ((long)unit * CpuEngine.UnitRows));
        for (var i = 0; i < count; i++)
            _engine.Rows.Add(product.Bias + ((long)unit * CpuEngine.UnitRows), y + (i * product.Stride), rows);
    }

    private void Know(int count)
    {
        if (count <= _known)
            return;

        _known = 0; // until all are there: memory may run out
        _tokens = _identity.ReserveWhole(count);
        for (var i = 0; i < count; i++)
            _tokens[i] = i;
        _known = count;
    }

    private readonly struct Product(WeightMatrix matrix, CpuInput x, float* y, long stride, float* bias, int firstItem)
    {
        public readonly WeightMatrix Matrix = matrix;
        public readonly CpuInput X = x;
        public readonly float* Y = y;
        public readonly long Stride = stride;
        public readonly float* Bias = bias;
        public readonly int FirstItem = firstItem;
    }
}
