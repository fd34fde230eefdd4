namespace Deepseek.Inference.Kernels;

// Vectors of 256 bits: the VEX encoding.
internal sealed partial class Assembler
{
    public void Vmovdqu(Ymm to, Address from) => Encode(Map.Escape0F, Prefix.Repeat, 0x6F, to, default, from);

    public void Vmovdqu(Address to, Ymm from) => Encode(Map.Escape0F, Prefix.Repeat, 0x7F, from, default, to);

    public void Vpxor(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0xEF, to.Number, a, b);

    public void Vpand(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0xDB, to.Number, a, b);

    public void Vpand(Ymm to, Ymm a, Address b) => Encode(Map.Escape0F, Prefix.Operands, 0xDB, to, a, b);

    public void Vpaddd(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0xFE, to.Number, a, b);

    /// <summary>Products of words, of each two neighbours added.</summary>
    public void Vpmaddwd(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0xF5, to.Number, a, b);

    /// <summary>In each half of a vector the first eight bytes of a and b by turns.</summary>
    public void Vpunpcklbw(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0x60, to.Number, a, b);

    /// <summary>In each half of a vector the last eight bytes of a and b by turns.</summary>
    public void Vpunpckhbw(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.Operands, 0x68, to.Number, a, b);

    public void Vpsrlw(Ymm to, Ymm from, byte bits)
    {
        Encode(Map.Escape0F, Prefix.Operands, 0x71, 2, to, from);
        Write(bits);
    }

    /// <summary>table[index mod 16] of the same 16 bytes, 0 where the index' highest bit is set.</summary>
    public void Vpshufb(Ymm to, Ymm table, Ymm index) => Encode(Map.Escape0F38, Prefix.Operands, 0x00, to.Number, table, index);

    /// <summary>In each half of a vector two lanes of a, then two of b.</summary>
    public void Vshufps(Ymm to, Ymm a, Ymm b, byte lanes)
    {
        Encode(Map.Escape0F, Prefix.None, 0xC6, to.Number, a, b);
        Write(lanes);
    }

    public void Vpbroadcastq(Ymm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x59, to, default, from);

    public void Vbroadcastss(Ymm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x18, to, default, from);

    /// <summary>8 bytes, widened with their signs.</summary>
    public void Vpmovsxbd(Ymm to, Address from) => Encode(Map.Escape0F38, Prefix.Operands, 0x21, to, default, from);

    public void Vcvtdq2ps(Ymm to, Ymm from) => Encode(Map.Escape0F, Prefix.None, 0x5B, to.Number, default, from);

    public void Vaddps(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.None, 0x58, to.Number, a, b);

    public void Vaddps(Ymm to, Ymm a, Address b) => Encode(Map.Escape0F, Prefix.None, 0x58, to, a, b);

    public void Vmulps(Ymm to, Ymm a, Ymm b) => Encode(Map.Escape0F, Prefix.None, 0x59, to.Number, a, b);

    /// <summary>to = a · to + b, rounded once.</summary>
    public void Vfmadd213ps(Ymm to, Ymm a, Address b) => Encode(Map.Escape0F38, Prefix.Operands, 0xA8, to, a, b);

    private void Encode(Map map, Prefix prefix, byte operation, int register, Ymm second, Ymm last)
    {
        WriteVex(map, prefix, operation, register, second, last.Number, 0);
        Write(ModRm(3, register, last.Number));
    }

    private void Encode(Map map, Prefix prefix, byte operation, Ymm register, Ymm second, Address last)
    {
        WriteVex(map, prefix, operation, register.Number, second, (int)last.Base, last.HighIndex);
        WriteAddress(register.Number, last, 1);
    }

    /// <summary>The prefix of three bytes, in which high bits and the second operand are inverted.</summary>
    private void WriteVex(Map map, Prefix prefix, byte operation, int register, Ymm second, int other, int highIndex)
    {
        const int full = 1 << 2; // 256 bits
        var high = ((register >> 3 & 1) << 7) | (highIndex << 6) | ((other >> 3 & 1) << 5);
        Write(0xC4, (byte)((high ^ 0xE0) | (int)map), (byte)(((~second.Number & 0xF) << 3) | full | (int)prefix), operation);
    }
}
