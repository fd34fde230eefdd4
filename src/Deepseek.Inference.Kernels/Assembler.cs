using System.Buffers.Binary;
using System.Numerics;

namespace Deepseek.Inference.Kernels;

/// <summary>Encodes the instructions of x86-64 that C# has no name for, those around them, and those whose order and registers it does not leave to us: 64-bit registers here, vectors of 512 and of 256 bits in the other parts.</summary>
/// <remarks>Encodings are those of Intel's Software Developer's Manual, volume 2. A method has its instruction's name, and its operands in the manual's order; <see cref="Return"/> alone writes two.</remarks>
internal sealed partial class Assembler
{
    private readonly List<byte> _code = [];

    /// <summary>The place of the next instruction.</summary>
    public int Here => _code.Count;

    /// <summary>The instructions so far.</summary>
    public byte[] ToArray() => [.. _code];

    public void Mov(Register to, Register from) => Wide(0x8B, to, from);

    public void Mov(Register to, long value)
    {
        Write(Rex(0, (int)to), (byte)(0xB8 | ((int)to & 7)));
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        Write(bytes);
    }

    public void Mov(Register to, Address from) => Wide(0x8B, to, from);

    public void Mov(Address to, Register from) => Wide(0x89, from, to);

    public void Lea(Register to, Address from) => Wide(0x8D, to, from);

    public void Add(Register to, Address value) => Wide(0x03, to, value);

    public void Add(Register to, int value) => Immediate(0, to, value);

    public void Add(Address to, int value) => Immediate(0, to, value);

    public void Sub(Address to, int value) => Immediate(5, to, value);

    public void Sub(Register to, Register value) => Wide(0x2B, to, value);

    public void Sub(Register to, int value) => Immediate(5, to, value);

    public void And(Register to, int value) => Immediate(4, to, value);

    public void Cmp(Register value, Register with) => Wide(0x3B, value, with);

    public void Cmp(Register value, Address with) => Wide(0x3B, value, with);

    public void Cmp(Register value, int with) => Immediate(7, value, with);

    /// <summary>Moves if what was compared is not below, without signs.</summary>
    public void Cmovae(Register to, Register from)
    {
        Write(Rex((int)to, (int)from), 0x0F, 0x43);
        Write(ModRm(3, (int)to, (int)from));
    }

    public void Shl(Register value, byte bits) => Shift(4, value, bits);

    public void Shr(Register value, byte bits) => Shift(5, value, bits);

    /// <summary>PREFETCHT0: into all caches.</summary>
    public void PrefetchT0(Address line) => Prefetch(1, line);

    /// <summary>PREFETCHT1: into the second cache and those beyond.</summary>
    public void PrefetchT1(Address line) => Prefetch(2, line);

    public void PushRbx() => Write(0x53);

    public void PopRbx() => Write(0x5B);

    /// <summary>VZEROUPPER, so that code without vectors' upper halves does not wait for them on some processors, and RET.</summary>
    public void Return() => Write(0xC5, 0xF8, 0x77, 0xC3);

    /// <summary>Jumps to an earlier instruction if what was compared is below, without signs.</summary>
    public void Jb(int target) => Jump(0x82, target);

    /// <summary>Jumps to an earlier instruction if the result was not 0.</summary>
    public void Jnz(int target) => Jump(0x85, target);

    /// <summary>Jumps to an earlier instruction.</summary>
    public void Jmp(int target)
    {
        Write(0xE9);
        WriteNumber(target - (Here + sizeof(int)));
    }

    /// <summary>Jumps ahead if what was compared is not below, to where <see cref="Land"/> says.</summary>
    /// <returns>The jump.</returns>
    public int Jae() => Ahead(0x83);

    /// <summary>Jumps ahead if the result was 0.</summary>
    /// <returns>The jump.</returns>
    public int Jz() => Ahead(0x84);

    /// <summary>The next instruction is where a jump leads.</summary>
    public void Land(int jump)
    {
        Span<byte> distance = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(distance, Here - jump);
        for (var i = 0; i < distance.Length; i++)
            _code[jump - sizeof(int) + i] = distance[i];
    }

    private int Ahead(byte condition)
    {
        Jump(condition, Here);
        return Here;
    }

    private void Jump(byte condition, int target)
    {
        Write(0x0F, condition);
        WriteNumber(target - (Here + sizeof(int)));
    }

    private void Wide(byte operation, Register register, Register other)
    {
        Write(Rex((int)register, (int)other), operation);
        Write(ModRm(3, (int)register, (int)other));
    }

    private void Wide(byte operation, Register register, Address memory)
    {
        Write(Rex((int)register, (int)memory.Base, memory.HighIndex), operation);
        WriteAddress((int)register, memory, 1);
    }

    private void Immediate(int extension, Register to, int value)
    {
        Write(Rex(0, (int)to), 0x81, ModRm(3, extension, (int)to));
        WriteNumber(value);
    }

    private void Immediate(int extension, Address to, int value)
    {
        Write(Rex(0, (int)to.Base, to.HighIndex), 0x81);
        WriteAddress(extension, to, 1);
        WriteNumber(value);
    }

    private void Shift(int extension, Register value, byte bits) => Write(Rex(0, (int)value), 0xC1, ModRm(3, extension, (int)value), bits);

    private void Prefetch(int hint, Address line)
    {
        Write(Rex(0, (int)line.Base, line.HighIndex), 0x0F, 0x18);
        WriteAddress(hint, line, 1);
    }

    /// <summary>The prefix of 64-bit operands, with the high bits of their registers.</summary>
    private static byte Rex(int register, int other, int index = 0) => (byte)(0x48 | (register >> 3 << 2) | (index << 1) | (other >> 3));

    private static byte ModRm(int mode, int register, int other) => (byte)((mode << 6) | ((register & 7) << 3) | (other & 7));

    /// <summary>A register and a place in memory, its distance in one byte where it is a small multiple of a unit.</summary>
    private void WriteAddress(int register, Address memory, int unit)
    {
        var (distance, rest) = Math.DivRem(memory.Offset, unit);
        var isShort = rest == 0 && distance is >= sbyte.MinValue and <= sbyte.MaxValue;
        const int indexed = 4; // instead of a base
        Write(ModRm(isShort ? 1 : 2, register, memory.Index is null ? (int)memory.Base : indexed));
        if (memory.Index is { } index)
            Write(ModRm(BitOperations.Log2((uint)memory.Factor), (int)index, (int)memory.Base));
        if (isShort)
            Write((byte)distance);
        else
            WriteNumber(memory.Offset);
    }

    private void Write(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    private void WriteNumber(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }
}
