/* What of FFmpeg's records the module `library` looks at. The functions here only move values; `library` says why the
   calls are sound. */

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/error.h>
#include <libavutil/pixdesc.h>

struct kineframe_decoder {
    AVCodecContext *context;
    AVPacket *packet;
};

/* As `Shape` of `library.rs`. */
struct kineframe_picture {
    AVFrame *frame;
    const uint8_t *planes[3];
    ptrdiff_t strides[3];
    int64_t stamp;
    uint32_t width, height;
    uint32_t left, top, right, bottom;
    uint8_t count, depth, across, down;
    uint8_t faults;
};

enum { KINEFRAME_AGAIN = 0, KINEFRAME_DONE = 1, KINEFRAME_SHAPE = INT_MIN };

void kineframe_close(struct kineframe_decoder *decoder)
{
    if (!decoder)
        return;
    av_packet_free(&decoder->packet);
    avcodec_free_context(&decoder->context);
    av_free(decoder);
}

int kineframe_has(const char *name)
{
    return avcodec_find_decoder_by_name(name) != NULL;
}

struct kineframe_decoder *kineframe_open(const char *name, int threads, int low_delay, int cut, int64_t samples)
{
    const AVCodec *codec = avcodec_find_decoder_by_name(name);
    struct kineframe_decoder *decoder = codec ? av_mallocz(sizeof *decoder) : NULL;

    if (!decoder)
        return NULL;
    decoder->context = avcodec_alloc_context3(codec);
    decoder->packet = av_packet_alloc();
    if (decoder->context && decoder->packet) {
        AVCodecContext *context = decoder->context;

        /* Threads within a picture alone: it comes out, or does not, before the next packet goes in. */
        context->thread_count = threads;
        context->thread_type = FF_THREAD_SLICE;
        context->max_pixels = samples;
        /* What is to be cut off is told, or cut to the sample. */
        context->apply_cropping = cut;
        /* What it has to say goes to the caller, by way of errors and marks, and not to standard error. */
        context->log_level_offset = AV_LOG_TRACE + 64;
        context->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT | AV_CODEC_FLAG_UNALIGNED;
        context->flags |= low_delay ? AV_CODEC_FLAG_LOW_DELAY : 0;
        if (avcodec_open2(context, codec, NULL) >= 0)
            return decoder;
    }
    kineframe_close(decoder);
    return NULL;
}

void kineframe_reorder(struct kineframe_decoder *decoder, int reorder)
{
    if (decoder->context->has_b_frames < reorder)
        decoder->context->has_b_frames = reorder;
}

/* A packet to be filled, with the padding that decoders read beyond its end. */
uint8_t *kineframe_packet(struct kineframe_decoder *decoder, int size)
{
    av_packet_unref(decoder->packet);
    return av_new_packet(decoder->packet, size) < 0 ? NULL : decoder->packet->data;
}

/* Decodes the packet that was filled; after the last one, with `drain`, hands out what is held back. */
int kineframe_send(struct kineframe_decoder *decoder, int64_t stamp, int key, int drain)
{
    int code;

    decoder->packet->pts = stamp;
    decoder->packet->dts = AV_NOPTS_VALUE;
    decoder->packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    code = avcodec_send_packet(decoder->context, drain ? NULL : decoder->packet);
    if (code == AVERROR(EAGAIN))
        return KINEFRAME_AGAIN;
    av_packet_unref(decoder->packet);
    return code < 0 ? code : KINEFRAME_DONE;
}

static int read_shape(const AVFrame *frame, struct kineframe_picture *picture)
{
    const AVPixFmtDescriptor *shape = av_pix_fmt_desc_get(frame->format);
    const uint64_t refused = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM
        | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BAYER;
    int plane, deep;

    if (!shape || shape->flags & refused || (shape->nb_components != 1 && shape->nb_components != 3))
        return KINEFRAME_SHAPE;
    deep = shape->comp[0].depth > 8;
    /* The samples of another byte order, several planes in one, bits that are not the lowest ones. */
    if (deep && !(shape->flags & AV_PIX_FMT_FLAG_BE) != (*(const uint8_t *)&(const uint16_t){1} == 1))
        return KINEFRAME_SHAPE;
    for (plane = 0; plane < shape->nb_components; plane++) {
        const AVComponentDescriptor *component = &shape->comp[plane];

        if (component->step != 1 + deep || component->offset || component->shift
            || component->depth != shape->comp[0].depth || component->plane >= shape->nb_components)
            return KINEFRAME_SHAPE;
        /* In order of planes, also where the components are R, G and B: G, B and R are coded as Y, Cb and Cr. */
        picture->planes[plane] = frame->data[plane];
        picture->strides[plane] = frame->linesize[plane];
    }
    picture->count = shape->nb_components;
    picture->depth = shape->comp[0].depth;
    picture->across = shape->log2_chroma_w;
    picture->down = shape->log2_chroma_h;
    return KINEFRAME_DONE;
}

/* The next picture that is ready. It is the caller's, who frees it; also where its shape is none that it knows. */
int kineframe_receive(struct kineframe_decoder *decoder, struct kineframe_picture *picture)
{
    AVFrame *frame = av_frame_alloc();
    int code;

    memset(picture, 0, sizeof *picture);
    if (!frame)
        return AVERROR(ENOMEM);
    code = avcodec_receive_frame(decoder->context, frame);
    if (code < 0) {
        av_frame_free(&frame);
        return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? KINEFRAME_AGAIN : code;
    }
    picture->frame = frame;
    picture->stamp = frame->pts;
    picture->width = frame->width;
    picture->height = frame->height;
    picture->left = frame->crop_left;
    picture->top = frame->crop_top;
    picture->right = frame->crop_right;
    picture->bottom = frame->crop_bottom;
    picture->faults = (frame->decode_error_flags != 0) | (frame->flags & AV_FRAME_FLAG_CORRUPT ? 2 : 0);
    return read_shape(frame, picture);
}

void kineframe_release(AVFrame *frame)
{
    av_frame_free(&frame);
}

/* Forgets all pictures, and goes on after `drain`. */
void kineframe_flush(struct kineframe_decoder *decoder)
{
    avcodec_flush_buffers(decoder->context);
}

/* 0 for damaged data, 1 for what FFmpeg does not do, 2 for the rest; the text fits where `text` has 64 bytes. */
int kineframe_error(int code, char *text, size_t size)
{
    if (code == KINEFRAME_SHAPE) {
        strncpy(text, "samples of a shape that no picture has", size - 1);
        text[size - 1] = 0;
        return 1;
    }
    av_strerror(code, text, size);
    if (code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL) || code == AVERROR_EOF)
        return 0;
    return code == AVERROR_PATCHWELCOME || code == AVERROR(ENOSYS) ? 1 : 2;
}
