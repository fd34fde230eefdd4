namespace Deepseek.Inference.Kernels;

/// <summary>Partial results of rows over some of the positions, side by side in memory: [rows, stride] weighted values, then [rows] largest scores and [rows] sums of weights.</summary>
internal readonly unsafe struct PartialResults
{
    private readonly float* _outputs;
    private readonly int _stride;

    /// <summary>Places them.</summary>
    /// <param name="start">Where they begin.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="stride">Elements from one row's values to the next one's.</param>
    public PartialResults(float* start, int rows, int stride)
        : this(start, start + ((long)rows * stride), start + ((long)rows * stride) + rows, stride)
    {
    }

    private PartialResults(float* outputs, float* largest, float* sums, int stride)
    {
        _outputs = outputs;
        Largest = largest;
        Sums = sums;
        _stride = stride;
    }

    /// <summary>The largest score of each row.</summary>
    public float* Largest { get; }

    /// <summary>Σ exp(score − largest) of each row.</summary>
    public float* Sums { get; }

    /// <summary>A row's.</summary>
    public PartialResult this[int row] => new(Largest[row], Sums[row], Output(row));

    /// <summary>Those of one of several parts that follow one another.</summary>
    public static PartialResults At(float* parts, int index, int rows, int stride) => new(parts + (index * LengthOf(rows, stride)), rows, stride);

    /// <summary>Elements of all.</summary>
    public static long LengthOf(int rows, int stride) => rows * (long)(stride + 2);

    /// <summary>The values of a row weighted by exp(score − largest).</summary>
    public float* Output(int row) => _outputs + ((long)row * _stride);

    /// <summary>Those from a row on.</summary>
    public PartialResults From(int row) => new(Output(row), Largest + row, Sums + row, _stride);

    /// <summary>Joins a row's partial results of splits, in their order, to what it has so far; with a sum of 0 that is nothing, for the largest weight of a partial result is 1.</summary>
    /// <param name="kernel">What computes.</param>
    /// <param name="row">The row.</param>
    /// <param name="next">The partial results, [count]; their factors are written.</param>
    /// <param name="count">How many.</param>
    /// <param name="width">Elements of an output, a multiple of 32.</param>
    public void Join(AttentionKernel kernel, int row, PartialResult* next, int count, int width)
    {
        if (count == 0)
            return;

        var result = this[row];
        if (result.Sum == 0)
        {
            result = *next++;
            count--;
        }

        result.Join(next, count);
        kernel.Join(result.Output, next, count, new Columns(0, width), Output(row));
        (Largest[row], Sums[row]) = (result.Largest, result.Sum);
    }
}
