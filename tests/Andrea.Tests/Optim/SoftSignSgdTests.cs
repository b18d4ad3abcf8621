using Andrea.Clipping;
using Andrea.Numerics;
using Andrea.Optim;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

public class SoftSignSgdTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Step_GradientsFrom1em30To1e30_MoveNothingByMoreThanTheRate(int power)
    {
        const int length = 4000;
        using Device device = Device.Cpu(2);
        foreach (double beta in (double[])[0.5, 0.95, 0.999])
        {
            using var parameters = new GradientSet(new float[length]);
            using var gradients = new GradientSet(new float[length]);
            using var optimizer = new SoftSignSgd(
                device, parameters.Tensors, gradients.Tensors, new SoftSignOptions { Beta = beta, Power = power, WeightDecay = 0 });
            var random = new Philox(7);
            double largest = 0;
            for (int step = 0; step < 60; step++)
            {
                for (int i = 0; i < length; i++)
                    gradients.Values[0][i] = (float)(Math.Pow(10, (i % 61) - 30)
                        * (i % 7 == 0 ? 1 : random.NextNormal() * (random.NextNormal() > 2 ? 1e4 : 1)));
                Array.Clear(parameters.Values[0]);
                optimizer.Step(1);
                foreach (float update in parameters.Values[0])
                {
                    Assert.True(Math.Abs(update) <= 1 + 1e-5, $"{update} in step {step}");
                    largest = Math.Max(largest, Math.Abs(update));
                }
            }
            // Where gradients do not change the bound is nearly reached, once the averages are full.
            Assert.True(beta > 0.99 || largest > 0.95, $"{largest}");
        }
    }

    [Theory]
    [InlineData(1e-30f)]
    [InlineData(1e-13f)]
    [InlineData(1f)]
    [InlineData(1e13f)]
    [InlineData(1e30f)]
    public void Step_ConstantGradient_IsTheSameAtEveryScale(float gradient)
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([0f]);
        using var gradients = new GradientSet([gradient]);
        using var optimizer = new SoftSignSgd(device, parameters.Tensors, gradients.Tensors);
        optimizer.Step(1);
        Assert.Equal(-Math.Pow(1 - (0.95 * 0.95), 2.0 / 3), parameters.Values[0][0], 1e-6);
        for (int i = 0; i < 500; i++)
            optimizer.Step(0);
        parameters.Values[0][0] = 0;
        optimizer.Step(1);
        Assert.Equal(-1, parameters.Values[0][0], 1e-5);
    }

    [Fact]
    public void Step_AfterTenThousandGradientsOfZero_MovesNothing()
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([0f]);
        using var gradients = new GradientSet([1e-3f]);
        using var optimizer = new SoftSignSgd(device, parameters.Tensors, gradients.Tensors);
        optimizer.Step(0);
        gradients.Values[0][0] = 0;
        // m and r end where float32 does, in the denormals, and would stay there for good.
        for (int i = 0; i < 10_000; i++)
            optimizer.Step(0);
        optimizer.Step(1);
        Assert.Equal(0, parameters.Values[0][0]);
        gradients.Values[0][0] = 1e-3f;
        optimizer.Step(1);
        Assert.Equal(-0.2119, parameters.Values[0][0], 1e-4);
    }

    [Fact]
    public void Step_WeightDecay_IsDecoupled()
    {
        using Device device = Device.Cpu(1);
        var weights = new float[] { 2, 2 };
        using var parameters = new Andrea.Tensors.ExternalTensors().Add("w", weights, new Andrea.Tensors.TensorShape(1, 2));
        using var gradients = new GradientSet(new float[2]);
        using var optimizer = new SoftSignSgd(device, parameters, gradients.Tensors, new SoftSignOptions { WeightDecay = 0.5 });
        optimizer.Step(0.1);
        Assert.Equal(1.9f, weights[0]);
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        using Device device = Device.Cpu(1);
        using GradientSet parameters = new([1f]), gradients = new([1f]);
        foreach (SoftSignOptions options in (SoftSignOptions[])
            [new() { Beta = 0 }, new() { Beta = 1 }, new() { Beta = double.NaN }, new() { Power = 0 }, new() { Power = 5 }, new() { WeightDecay = -1 }])
            Assert.Throws<ArgumentOutOfRangeException>(() => new SoftSignSgd(device, parameters.Tensors, gradients.Tensors, options));
    }

    [Fact]
    public void Step_OfEveryOptimizer_AllocatesNothing()
    {
        using Device device = Device.Cpu(2);
        foreach (OptimizerOptions options in UpdateCase.All.Values)
        {
            using GradientSet parameters = new(TestDevice.Normal(1, 100_000)), gradients = new(TestDevice.Normal(2, 100_000));
            using var clipper = new GradClipper(device, gradients.Tensors);
            using Optimizer optimizer = Optimizer.Create(device, parameters.Tensors, gradients.Tensors, options, clipper);
            for (int i = 0; i < 30; i++)
                optimizer.Step(1e-3);
            Allocations.AssertNone(() => optimizer.Step(1e-3));
        }
    }
}
