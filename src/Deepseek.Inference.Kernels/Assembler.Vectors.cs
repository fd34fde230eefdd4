namespace Deepseek.Inference.Kernels;

// Vectors of 512 bits: the EVEX encoding.
internal sealed partial class Assembler
{
    private const int VectorBytes = 64;

    /// <summary>The opcode's map, in the prefix' numbers.</summary>
    private enum Map
    {
        Escape0F = 1,
        Escape0F38 = 2,
        Escape0F3A = 3,
    }

    /// <summary>The prefix of 8086 that tells instructions of one opcode apart.</summary>
    private enum Prefix
    {
        None = 0,
        Operands = 1, // 66
        Repeat = 2, // F3
    }

    public void Vmovdqu32(Zmm to, Address from) => Encode(Map.Escape0F, Prefix.Repeat, 0x6F, to.Number, 0, from);

    public void Vmovdqu32(Address to, Zmm from) => Encode(Map.Escape0F, Prefix.Repeat, 0x7F, from.Number, 0, to);

    public void Vpxord(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F, Prefix.Operands, 0xEF, to.Number, a.Number, b);

    public void Vpandd(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F, Prefix.Operands, 0xDB, to.Number, a.Number, b);

    public void Vpaddd(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F, Prefix.Operands, 0xFE, to.Number, a.Number, b);

    public void Vpsrlw(Zmm to, Zmm from, byte bits) => Shift(2, to, from, bits);

    public void Vpsraw(Zmm to, Zmm from, byte bits) => Shift(4, to, from, bits);

    public void Vpsllw(Zmm to, Zmm from, byte bits) => Shift(6, to, from, bits);

    /// <summary>table[index mod 32], by words.</summary>
    public void Vpermw(Zmm to, Zmm index, Zmm table) => Encode(Map.Escape0F38, Prefix.Operands, 0x8D, to.Number, index.Number, table, wide: true);

    /// <summary>table[index mod 16] of the same 16 bytes, 0 where the index' highest bit is set.</summary>
    public void Vpshufb(Zmm to, Zmm table, Zmm index) => Encode(Map.Escape0F38, Prefix.Operands, 0x00, to.Number, table.Number, index);

    /// <summary>Adds to each sum the products of four unsigned bytes with four signed ones.</summary>
    public void Vpdpbusd(Zmm sums, Zmm unsigned, Operand signed) => Encode(Map.Escape0F38, Prefix.Operands, 0x50, sums.Number, unsigned.Number, signed);

    /// <summary>Adds to each sum the products of two words with two others.</summary>
    public void Vpdpwssd(Zmm sums, Zmm a, Operand b) => Encode(Map.Escape0F38, Prefix.Operands, 0x52, sums.Number, a.Number, b);

    public void Vpbroadcastd(Zmm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x58, to.Number, 0, from, unit: sizeof(int));

    /// <summary>32 bytes, twice.</summary>
    public void Vbroadcasti64x4(Zmm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x5B, to.Number, 0, from, wide: true, unit: VectorBytes / 2);

    /// <summary>The first 32 bytes of a vector, and 32 bytes of memory behind them.</summary>
    public void Vinserti64x4(Zmm to, Zmm first, Address second)
    {
        Encode(Map.Escape0F3A, Prefix.Operands, 0x3A, to.Number, first.Number, second, wide: true, unit: VectorBytes / 2);
        Write(1);
    }

    /// <summary>16 bytes, widened with their signs.</summary>
    public void Vpmovsxbd(Zmm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x21, to.Number, 0, from, unit: VectorBytes / sizeof(int));

    public void Vcvtdq2ps(Zmm to, Zmm from) => Encode(Map.Escape0F, Prefix.None, 0x5B, to.Number, 0, from);

    public void Vaddps(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F, Prefix.None, 0x58, to.Number, a.Number, b);

    public void Vmulps(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F, Prefix.None, 0x59, to.Number, a.Number, b);

    /// <summary>to = a · to + b, rounded once.</summary>
    public void Vfmadd213ps(Zmm to, Zmm a, Operand b) => Encode(Map.Escape0F38, Prefix.Operands, 0xA8, to.Number, a.Number, b);

    private void Shift(int extension, Zmm to, Zmm from, byte bits)
    {
        Encode(Map.Escape0F, Prefix.Operands, 0x71, extension, to.Number, from);
        Write(bits);
    }

    /// <summary>An instruction whose operands are all registers, or whose last one lies in memory: a vector, or one number for all lanes.</summary>
    private void Encode(Map map, Prefix prefix, byte operation, int register, int second, Operand last, bool wide = false, int unit = VectorBytes)
    {
        // The high bits of registers are kept inverted.
        var other = last.Memory is { } memory ? ((int)memory.Base & 0xF) | (memory.HighIndex << 4) : last.Vector.Number;
        var high = ((register >> 3 & 1) << 7) | ((other >> 4 & 1) << 6) | ((other >> 3 & 1) << 5) | ((register >> 4 & 1) << 4);
        var full = 0b10 << 5; // 512 bits
        Write(0x62, (byte)((high ^ 0xF0) | (int)map), (byte)((wide ? 0x80 : 0) | ((~second & 0xF) << 3) | 4 | (int)prefix));
        Write((byte)(full | (last.IsBroadcast ? 0x10 : 0) | ((~second >> 4 & 1) << 3)), operation);
        if (last.Memory is { } place)
            WriteAddress(register, place, last.IsBroadcast ? sizeof(int) : unit);
        else
            Write(ModRm(3, register, other));
    }
}
