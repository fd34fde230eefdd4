using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Whether the compiler joins to hot loops what they are made of. Where its budget for inlining runs out, wrappers of single instructions become calls: the loop takes three times as long, with the same results.</summary>
/// <remarks>It is seen for the instructions of the machine that runs the tests.</remarks>
public sealed partial class HotLoopTests
{
    // In a listing: a type has the number of its parameters, and what they stand for in brackets.
    private const string MethodName = @"(?<type>[\w.`+]+)(?:\[[^\n:]*\])?:(?<method>\.?\w+)";

    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly Assembly Kernels = typeof(HotLoop).Assembly;
    private static readonly bool Has256 = KernelPaths.Available.Contains(KernelPath.Avx2);
    private static readonly bool Has512 = KernelPaths.Available.Contains(KernelPath.Avx512);

    // The machine's probes: what they measure would show it.
    private static readonly Type[] Probes = [typeof(MemoryReading), typeof(ArithmeticRounds)];

    // What asks to be inlined, and constructors, which are small.
    private static readonly HashSet<(string Type, string Method)> Inlined =
    [
        .. from type in Kernels.GetTypes()
           from method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared))
           where method.IsConstructor || method.MethodImplementationFlags.HasFlag(MethodImplAttributes.AggressiveInlining)
           select (type.FullName!, method.Name),
    ];

    /// <summary>The loops of the assembly, as they are written.</summary>
    private static readonly MethodInfo[] Written =
    [
        .. from type in Kernels.GetTypes()
           where !Probes.Contains(type) && !Probes.Contains(type.DeclaringType)
           from method in type.GetMethods(Declared)
           where method.MethodImplementationFlags.HasFlag((MethodImplAttributes)HotLoop.Options)
           select method,
    ];

    /// <summary>The same with the types that they run with here.</summary>
    private static readonly MethodInfo[] Loops =
    [
        .. from written in Written
           from type in written.DeclaringType!.IsGenericType ? Closed().Where(type => type.GetGenericTypeDefinition() == written.DeclaringType) : [written.DeclaringType]
           let method = type.GetMethods(Declared).Single(method => method.MetadataToken == written.MetadataToken)
           from loop in method.IsGenericMethodDefinition ? Forms(method).Select(form => method.MakeGenericMethod(form)) : [method]
           select loop,
    ];

    [Fact]
    public async Task HotLoops_Compiled_CallNothingThatAsksToBeInlined()
    {
        Assert.SkipUnless(Has256, "Without AVX2 what stands for its instructions are calls.");
        Assert.SkipWhen(Kernels.GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled == true, "The kernels were built to be debugged: nothing is inlined.");
        var listing = Path.Combine(Path.GetTempPath(), $"deepseek-listing-{Guid.NewGuid():N}.txt");
        try
        {
            var names = string.Join(' ', Loops.Select(loop => $"*{Kernels.GetName().Name}*:{loop.Name}").Distinct());
            Dictionary<string, string> environment = new() { ["DOTNET_JitStdOutFile"] = listing, ["DOTNET_JitDisasm"] = names };
            await TestProcess.PassAsync(typeof(HotLoopTests).Assembly, environment, "--filter-method", $"{typeof(HotLoopTests).FullName}.{nameof(HotLoops_Prepared_AreCompiled)}", "--explicit", "only");

            var expected = Loops.Select(NameOf).Order(StringComparer.Ordinal).ToArray();
            var compiled = Sections(await File.ReadAllTextAsync(listing, TestContext.Current.CancellationToken)).Where(method => expected.Contains(method.Name)).ToArray();
            Assert.Equal(expected, compiled.Select(method => method.Name).Order(StringComparer.Ordinal));
            Assert.Contains(compiled, method => CallPattern().IsMatch(method.Code)); // of loops that clear memory: calls look as they are looked for
            var calls = compiled.SelectMany(method => Wrappers(method.Code).Select(wrapper => $"{method.Name} calls {wrapper}")).Distinct().ToArray();
            Assert.True(calls.Length == 0, string.Join('\n', calls));
        }
        finally
        {
            File.Delete(listing);
        }
    }

    /// <summary>What the other test runs in a process of its own, whose compiler writes down what it makes.</summary>
    [Fact(Explicit = true)]
    public void HotLoops_Prepared_AreCompiled()
    {
        foreach (var loop in Loops)
            RuntimeHelpers.PrepareMethod(loop.MethodHandle, [.. loop.DeclaringType!.GetGenericArguments().Concat(loop.GetGenericArguments()).Select(type => type.TypeHandle)]);
        Assert.NotEmpty(Loops);
    }

    [Fact]
    public void Loops_OfTheAssembly_AllRunWithSomeTypes()
    {
        Assert.SkipUnless(Has256, "Loops of 256 bits do not run here.");

        var expected = Written.Where(method => Has512 || method.DeclaringType != typeof(Loops512<>));

        Assert.Equal(expected.Select(method => method.MetadataToken).Order(), Loops.Select(method => method.MetadataToken).Distinct().Order());
    }

    [Theory]
    [InlineData("       call     [Deepseek.Inference.Kernels.Lanes256:Multiply(x):y]", "Deepseek.Inference.Kernels.Lanes256:Multiply")]
    [InlineData("       call     Deepseek.Inference.Kernels.Lanes256:Multiply(x):y", "Deepseek.Inference.Kernels.Lanes256:Multiply")]
    [InlineData("       call     [System.Runtime.Intrinsics.Vector256:Load[short](ptr):z[short]]", "System.Runtime.Intrinsics.Vector256:Load")]
    [InlineData("       call     [System.Runtime.Intrinsics.Vector256`1[int]:op_Addition(z[int],z[int]):z[int]]", "System.Runtime.Intrinsics.Vector256`1:op_Addition")]
    [InlineData("       call     [System.ValueTuple`2[int,int]:.ctor(int,int):this]", "System.ValueTuple`2:.ctor")]
    [InlineData("       call     [Deepseek.Inference.Kernels.WordCodes256:.ctor(x,x):this]", "Deepseek.Inference.Kernels.WordCodes256:.ctor")]
    [InlineData("       tail.jmp [Deepseek.Inference.Kernels.Loops256`2[Deepseek.Inference.Kernels.NibbleForm,Deepseek.Inference.Kernels.WordCodes256]:Keep(x)]", "Deepseek.Inference.Kernels.Loops256`2:Keep")]
    [InlineData("       call     [Deepseek.Inference.Kernels.TileSource:Interleave(int,ptr):this]", null)]
    [InlineData("       call     [System.SpanHelpers:ClearWithoutReferences(byref,ulong)]", null)]
    [InlineData("       call     CORINFO_HELP_MEMSET", null)]
    [InlineData("; 12 inlinees of Deepseek.Inference.Kernels.Lanes256:Multiply(x):y", null)]
    public void Wrappers_Lines_AreCallsThatAskToBeInlined(string line, string? expected)
    {
        Assert.Equal(expected is null ? [] : [expected], Wrappers(line));
    }

    /// <summary>The methods of a listing.</summary>
    private static IEnumerable<(string Name, string Code)> Sections(string listing) =>
        from section in listing.Split("; Assembly listing for method ").Skip(1)
        let match = MethodPattern().Match(section)
        where match.Success
        select ($"{match.Groups["type"].Value}:{match.Groups["method"].Value}", section);

    private static string NameOf(MethodInfo loop)
    {
        var type = loop.DeclaringType!;
        return $"{(type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName}:{loop.Name}";
    }

    /// <summary>What is called and should not be: vectors' operations, tuples, and what asks to be inlined.</summary>
    private static IEnumerable<string> Wrappers(string code) =>
        from match in CallPattern().Matches(code)
        let type = match.Groups["type"].Value
        let method = match.Groups["method"].Value
        where type.StartsWith("System.Runtime.Intrinsics.", StringComparison.Ordinal) || type.StartsWith("System.ValueTuple", StringComparison.Ordinal) || Inlined.Contains((type, method))
        select $"{type}:{method}";

    [GeneratedRegex($@"^\s+(?:call|tail\.jmp)\s+\[?{MethodName}", RegexOptions.Multiline)]
    private static partial Regex CallPattern();

    [GeneratedRegex($"^{MethodName}")]
    private static partial Regex MethodPattern();

    private static IEnumerable<Type> Closed() => [.. OfLanes<Lanes128, Vector128<float>, Vector128<int>, Vector128<short>>(), .. Has256 ? Of256() : [], .. Has512 ? Of512() : []];

    private static IEnumerable<Type> Of256()
    {
        Type[] codes = AvxVnni.IsSupported ? [typeof(WordCodes256), typeof(ByteCodes256), typeof(VnniCodes256)] : [typeof(WordCodes256), typeof(ByteCodes256)];
        return
        [
            .. OfLanes<Lanes256, Vector256<float>, Vector256<int>, Vector256<short>>(),
            .. from form in new[] { typeof(NibbleForm), typeof(ByteForm) } from code in codes select typeof(Loops256<,>).MakeGenericType(form, code),
        ];
    }

    private static IEnumerable<Type> Of512() => [.. OfLanes<Lanes512, Vector512<float>, Vector512<int>, Vector512<short>>(), typeof(Loops512<NibbleForm>), typeof(Loops512<ByteForm>)];

    private static Type[] OfLanes<TLanes, TSingle, TInt32, TInt16>()
        where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
        where TSingle : struct
        where TInt32 : struct
        where TInt16 : struct =>
        [typeof(AttentionTile<TLanes, TSingle, TInt32, TInt16>), typeof(ExactProductTile<TLanes, TSingle, TInt32, TInt16>), typeof(PackedTile<TSingle, TInt32, TInt16, TLanes>)];

    /// <summary>The structures that a loop's own parameter stands for: those that are what it asks for.</summary>
    private static IEnumerable<Type> Forms(MethodInfo loop)
    {
        var asked = loop.GetGenericArguments().Single().GetGenericParameterConstraints().Single(type => type.IsInterface);
        var outer = loop.DeclaringType!;
        return from type in Kernels.GetTypes()
               where type.IsValueType && (!type.IsGenericType || (outer.IsGenericType && type.DeclaringType == outer.GetGenericTypeDefinition()))
               let form = type.IsGenericType ? type.MakeGenericType(outer.GetGenericArguments()) : type
               where asked.IsAssignableFrom(form)
               select form;
    }
}
