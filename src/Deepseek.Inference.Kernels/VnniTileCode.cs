namespace Deepseek.Inference.Kernels;

/// <summary>Writes the products of tiles, 16 rows each, a row a lane, with one to eight tokens, in AVX512-VNNI.</summary>
/// <param name="to">Receives them.</param>
/// <param name="weights">How the weights lie.</param>
/// <param name="bytesOfX">Whether activations are bytes instead of words.</param>
/// <param name="tokens">Tokens.</param>
internal sealed unsafe partial class VnniTileCode(Assembler to, TileWeights weights, bool bytesOfX, int tokens)
{
    private const int Line = TileSteps.Line;
    private const int Pieces = TileSteps.Pieces;
    private const Register Weights = TileSteps.Weights;

    private static readonly Register[] X = [Register.R8, Register.R9, Register.R10, Register.R11, Register.Rdx, Register.Rsi, Register.Rdi, Register.Rbx];
    private static readonly Zmm Levels = new(0);
    private static readonly Zmm Mask = new(1);
    private static readonly Zmm[] Codes = [new(2), new(3), new(4), new(5)];

    private readonly TileSteps _steps = new(to);

    // Of a block of activations, and of what goes with it.
    private readonly int _xBytes = ActivationBlocks.BytesOf(OrderOf(bytesOfX));
    private readonly int _scaleBytes = ActivationBlocks.ScalesOf(OrderOf(bytesOfX)) * sizeof(float);

    private readonly int _blocks = weights == TileWeights.Bytes ? 1 : 2;

    // Where there are few, each has two sums: a product waits four cycles for the one before.
    private readonly int _chains = tokens <= 2 ? 2 : 1;

    public void Write()
    {
        if (tokens == X.Length)
            to.PushRbx();
        to.Mov(TileSteps.Call, Register.Rdi);
        to.Mov(Weights, TileSteps.Field(nameof(TileCall.Lines)));
        to.Mov(X[0], TileSteps.Field(nameof(TileCall.Tables)));
        to.Vmovdqu32(Levels, new Address(X[0]));
        to.Vmovdqu32(Mask, new Address(X[0], Line));
        var next = to.Here;
        BeginLine();
        for (var piece = 0; piece < Pieces; piece++)
            MultiplyPiece(piece);
        to.Add(Weights, Pieces * Line);
        Keep(0);
        if (_blocks == 2)
        {
            to.Cmp(X[0], TileSteps.Field(nameof(TileCall.End)));
            var end = to.Jae();
            Keep(1);
            to.Land(end);
        }

        to.Cmp(X[0], TileSteps.Field(nameof(TileCall.End)));
        to.Jb(next);
        WriteOutputs();
        if (weights == TileWeights.Nf4)
        {
            var last = _steps.EndTile();
            _steps.BeginTile(X[0], X[1]);
            to.Jmp(next);
            to.Land(last);
        }

        if (tokens == X.Length)
            to.PopRbx();
        to.Return();
    }

    private static ActivationOrder OrderOf(bool bytesOfX) => bytesOfX ? ActivationOrder.DotBytes : ActivationOrder.DotWords;

    private Zmm Sum(int token, int block, int chain) => new(16 + (((token * _blocks) + block) * _chains) + (chain % _chains));

    private void BeginLine()
    {
        var last = X[tokens - 1];
        to.Mov(last, TileSteps.Field(nameof(TileCall.Tokens)));
        for (var token = 0; token < tokens; token++)
        {
            to.Mov(X[token], new Address(last, token * sizeof(BandToken)));
            to.Add(X[token], TileSteps.Field(nameof(TileCall.At)));
            for (var block = 0; block < _blocks; block++)
            {
                for (var chain = 0; chain < _chains; chain++)
                {
                    var sum = Sum(token, block, chain);
                    to.Vpxord(sum, sum, sum);
                }
            }
        }
    }

    private void MultiplyPiece(int piece)
    {
        if (weights != TileWeights.Bytes)
            _steps.Ask(Weights, piece * Line);
        to.Vmovdqu32(Codes[0], new Address(Weights, piece * Line));
        if (bytesOfX)
            MultiplyBytes(piece);
        else
            MultiplyWords(piece);
    }

    private void MultiplyWords(int piece)
    {
        if (weights == TileWeights.Bytes)
        {
            to.Vpsraw(Codes[1], Codes[0], 8);
            to.Vpsllw(Codes[0], Codes[0], 8);
            to.Vpsraw(Codes[0], Codes[0], 8);
        }
        else
        {
            // A permutation of 32 words reads the low five bits of its indices: with the levels twice in the table, a nibble needs to be shifted into place and nothing else.
            to.Vpsrlw(Codes[1], Codes[0], 8);
            to.Vpsrlw(Codes[2], Codes[0], 4);
            to.Vpsrlw(Codes[3], Codes[0], 12);
            foreach (var codes in Codes)
                to.Vpermw(codes, codes, Levels);
        }

        // Even columns of the blocks, then odd ones: a block's one sum is not wanted again at once.
        for (var token = 0; token < tokens; token++)
        {
            for (var half = 0; half < 2; half++)
            {
                for (var block = 0; block < _blocks; block++)
                    to.Vpdpwssd(Sum(token, block, half), Codes[(2 * block) + half], Operand.Broadcast(new Address(X[token], (block * _xBytes) + (half * _xBytes / 2) + (piece * sizeof(int)))));
            }
        }
    }

    private void MultiplyBytes(int piece)
    {
        if (weights == TileWeights.Bytes)
        {
            to.Vpxord(Codes[0], Codes[0], Mask);
        }
        else
        {
            to.Vpsrlw(Codes[1], Codes[0], 4);
            to.Vpandd(Codes[0], Codes[0], Mask);
            to.Vpandd(Codes[1], Codes[1], Mask);
            to.Vpshufb(Codes[0], Levels, Codes[0]);
            to.Vpshufb(Codes[1], Levels, Codes[1]);
        }

        for (var token = 0; token < tokens; token++)
        {
            for (var block = 0; block < _blocks; block++)
                to.Vpdpbusd(Sum(token, block, piece), Codes[block], Operand.Broadcast(new Address(X[token], (block * _xBytes) + (piece * sizeof(int)))));
        }
    }
}
