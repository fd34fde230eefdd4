namespace Deepseek.Inference.Kernels;

/// <summary>Writes the products of tiles, 16 rows each, a row a lane, with one to four tokens, by vectors of 256 bits: half of the rows.</summary>
/// <param name="to">Receives them.</param>
/// <param name="weights">How the weights lie, 4 bits each.</param>
/// <param name="tokens">Tokens.</param>
/// <remarks>
/// A line of a tile is two blocks of its rows. Eight sums find room in registers: of one token those of both blocks and all rows, so that a line is read in one pass; of two those of half of the rows; of more those of half
/// of the rows and one block. A level's two bytes come from two tables and are joined by an unpacking, as in <see cref="WordCodes256"/>.
/// </remarks>
internal sealed unsafe partial class WordTileCode(Assembler to, TileWeights weights, int tokens)
{
    private const int Line = TileSteps.Line;
    private const int Half = Line / 2;
    private const int Pieces = TileSteps.Pieces;
    private const int PiecesOfTurn = 4; // of the loop: its end costs little then, and the code stays small
    private const int QuadBytes = 4 * sizeof(short);
    private const int XBytes = PreparedActivations.BlockBytes;
    private const int Blocks = 2; // of a line
    private const Register Weights = TileSteps.Weights;
    private const Register Ahead = Register.Rdi; // what passes ask for
    private const Register End = Register.Rdx; // of a pass' weights
    private const Register Free = Register.Rsi;

    private static readonly Register[] X = [Register.R8, Register.R9, Register.R10, Register.R11];
    private static readonly Ymm Low = new(8);
    private static readonly Ymm High = new(9);
    private static readonly Ymm Mask = new(10);
    private static readonly Ymm[] Operands = [new(11), new(12)]; // activations of the blocks; of more than one token products, too
    private static readonly Ymm First = new(13);
    private static readonly Ymm Second = new(14);
    private static readonly Ymm Codes = new(15);

    private readonly TileSteps _steps = new(to);

    // What a pass computes.
    private readonly int _halves = tokens == 1 ? 2 : 1;
    private readonly int _blocks = tokens <= 2 ? 2 : 1;

    private int Passes => 2 * Blocks / (_halves * _blocks);

    public void Write()
    {
        to.Mov(TileSteps.Call, Register.Rdi);
        to.Mov(Free, TileSteps.Field(nameof(TileCall.Tables)));
        to.Vmovdqu(Low, new Address(Free));
        to.Vmovdqu(High, new Address(Free, Half));
        to.Vmovdqu(Mask, new Address(Free, 2 * Half));
        to.Mov(Weights, TileSteps.Field(nameof(TileCall.Lines)));
        var next = to.Here;
        to.Mov(Ahead, Weights);
        for (var pass = 0; pass < Passes; pass++)
        {
            var (half, block) = (pass * _halves % 2, pass * _halves / 2);
            var absent = block == 0 ? 0 : SkipUnlessThereIsASecond();
            Multiply(half, block);
            Keep(half, block);
            if (block > 0)
                to.Land(absent);
        }

        EndLine();
        to.Jb(next);
        WriteOutputs();
        if (weights == TileWeights.Nf4)
        {
            var last = _steps.EndTile();
            CorrectStep();
            _steps.BeginTile(X[0], X[1]);
            to.Jmp(next);
            to.Land(last);
        }

        to.Return();
    }

    private Ymm Sum(int token, int half, int block, int part) => new((((((token * _halves) + (half % _halves)) * _blocks) + (block % _blocks)) * 2) + part);

    /// <summary>The products of a pass, piece by piece.</summary>
    private void Multiply(int half, int block)
    {
        to.Mov(Free, TileSteps.Field(nameof(TileCall.Tokens)));
        for (var token = 0; token < tokens; token++)
        {
            to.Mov(X[token], new Address(Free, token * sizeof(BandToken)));
            to.Add(X[token], TileSteps.Field(nameof(TileCall.At)));
            if (block > 0)
                to.Add(X[token], block * XBytes);
        }

        for (var sum = 0; sum < tokens * _halves * _blocks * 2; sum++)
            to.Vpxor(new Ymm(sum), new Ymm(sum), new Ymm(sum));
        to.Lea(End, new Address(Weights, Pieces * Line));
        var turn = to.Here;
        for (var piece = 0; piece < PiecesOfTurn; piece++)
        {
            if (piece % Passes == 0)
                _steps.Ask(Ahead, piece / Passes * Line); // each pass for its part of the lines
            if (tokens == 1)
                ReadActivations(piece);
            for (var i = half; i < half + _halves; i++)
            {
                for (var j = block; j < block + _blocks; j++)
                    MultiplyPiece(piece, i, j);
            }
        }

        to.Add(Ahead, PiecesOfTurn / Passes * Line);
        to.Add(Weights, PiecesOfTurn * Line);
        for (var token = 0; token < tokens; token++)
            to.Add(X[token], PiecesOfTurn * QuadBytes);
        to.Cmp(Weights, End);
        to.Jb(turn);
        to.Sub(Weights, Pieces * Line);
    }

    /// <summary>One token's activations, which meet all rows.</summary>
    private void ReadActivations(int piece)
    {
        for (var block = 0; block < Blocks; block++)
            to.Vpbroadcastq(Operands[block], new Address(X[0], (block * XBytes) + (piece * QuadBytes)));
    }

    /// <summary>A piece of half of the rows: its nibbles become levels, which meet the tokens' activations.</summary>
    private void MultiplyPiece(int piece, int half, int block)
    {
        var codes = new Address(Weights, (piece * Line) + (half * Half));
        if (block == 0)
        {
            to.Vpand(Codes, Mask, codes);
        }
        else
        {
            to.Vmovdqu(Codes, codes);
            to.Vpsrlw(Codes, Codes, 4);
            to.Vpand(Codes, Mask, Codes);
        }

        to.Vpshufb(First, Low, Codes);
        to.Vpshufb(Codes, High, Codes);
        to.Vpunpckhbw(Second, First, Codes);
        to.Vpunpcklbw(First, First, Codes);
        if (tokens == 1)
        {
            to.Vpmaddwd(First, Operands[block], First);
            to.Vpmaddwd(Second, Operands[block], Second);
            Add(Sum(0, half, block, 0), First);
            Add(Sum(0, half, block, 1), Second);
            return;
        }

        for (var token = 0; token < tokens; token++)
        {
            to.Vpbroadcastq(Operands[0], new Address(X[token], ((block % _blocks) * XBytes) + (piece * QuadBytes)));
            to.Vpmaddwd(Operands[1], Operands[0], First);
            to.Vpmaddwd(Operands[0], Operands[0], Second);
            Add(Sum(token, half, block, 0), Operands[1]);
            Add(Sum(token, half, block, 1), Operands[0]);
        }
    }

    private void Add(Ymm sum, Ymm products) => to.Vpaddd(sum, sum, products);
}
