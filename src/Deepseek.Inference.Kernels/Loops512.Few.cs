using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// One to four tokens: each sum is a variable, so that it stays in a register.
internal readonly unsafe partial struct Loops512<TForm>
{
    /// <summary>Multiplies a block of a tile with so many tokens.</summary>
    private interface ITokens
    {
        static abstract void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums);
    }

    private readonly struct OneToken : ITokens
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
        {
            Vector512<int> a = default, b = default;
            var x = X(tokens, 0, block);
            var ahead = Ahead(line, second);
            AddFour(line, second, x, ref ahead, ref a, ref b);
            AddFour(line + (4 * Line), second, x + 4, ref ahead, ref a, ref b);
            AddFour(line + (8 * Line), second, x + 8, ref ahead, ref a, ref b);
            AddFour(line + (12 * Line), second, x + 12, ref ahead, ref a, ref b);
            Keep(a + b, scales, Vector512.Create(tokens->Scales[block]), sums);
        }

        // Eight products, then their additions: here that is faster than by twos.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddFour(byte* line, [ConstantExpected] bool second, int* x, ref byte* ahead, ref Vector512<int> a, ref Vector512<int> b)
        {
            Ask(ref ahead);
            var (p0, q0) = Read(line, second).Times(x);
            var (p1, q1) = Read(line + Line, second).Times(x + 1);
            var (p2, q2) = Read(line + (2 * Line), second).Times(x + 2);
            var (p3, q3) = Read(line + (3 * Line), second).Times(x + 3);
            a += p0;
            b += q0;
            a += p1;
            b += q1;
            a += p2;
            b += q2;
            a += p3;
            b += q3;
        }
    }

    private readonly struct TwoTokens : ITokens
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
        {
            Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default;
            int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block);
            var ahead = Ahead(line, second);
            for (var end = line + (Pieces * Line); line < end; line += 4 * Line, x0 += 4, x1 += 4)
            {
                Ask(ref ahead);
                var weights = Read(line, second);
                weights.Add(x0, ref a0, ref b0);
                weights.Add(x1, ref a1, ref b1);
                weights = Read(line + Line, second);
                weights.Add(x0 + 1, ref a0, ref b0);
                weights.Add(x1 + 1, ref a1, ref b1);
                weights = Read(line + (2 * Line), second);
                weights.Add(x0 + 2, ref a0, ref b0);
                weights.Add(x1 + 2, ref a1, ref b1);
                weights = Read(line + (3 * Line), second);
                weights.Add(x0 + 3, ref a0, ref b0);
                weights.Add(x1 + 3, ref a1, ref b1);
            }

            Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
            Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
        }
    }

    private readonly struct ThreeTokens : ITokens
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
        {
            Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default;
            int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block);
            var ahead = Ahead(line, second);
            for (nint piece = 0; piece < Pieces; piece++)
            {
                if (piece % 4 == 0)
                    Ask(ref ahead);
                var weights = Read(line + (piece * Line), second);
                weights.Add(x0 + piece, ref a0, ref b0);
                weights.Add(x1 + piece, ref a1, ref b1);
                weights.Add(x2 + piece, ref a2, ref b2);
            }

            Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
            Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
            Keep(a2 + b2, scales, Vector512.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
        }
    }

    private readonly struct FourTokens : ITokens
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Multiply(byte* line, [ConstantExpected] bool second, float* scales, int block, BandToken* tokens, float* sums)
        {
            Vector512<int> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
            int* x0 = X(tokens, 0, block), x1 = X(tokens, 1, block), x2 = X(tokens, 2, block), x3 = X(tokens, 3, block);
            var ahead = Ahead(line, second);
            for (nint piece = 0; piece < Pieces; piece++)
            {
                if (piece % 4 == 0)
                    Ask(ref ahead);
                var weights = Read(line + (piece * Line), second);
                weights.Add(x0 + piece, ref a0, ref b0);
                weights.Add(x1 + piece, ref a1, ref b1);
                weights.Add(x2 + piece, ref a2, ref b2);
                weights.Add(x3 + piece, ref a3, ref b3);
            }

            Keep(a0 + b0, scales, Vector512.Create(tokens[0].Scales[block]), sums);
            Keep(a1 + b1, scales, Vector512.Create(tokens[1].Scales[block]), sums + (Lanes * Tile));
            Keep(a2 + b2, scales, Vector512.Create(tokens[2].Scales[block]), sums + (2 * Lanes * Tile));
            Keep(a3 + b3, scales, Vector512.Create(tokens[3].Scales[block]), sums + (3 * Lanes * Tile));
        }
    }
}
