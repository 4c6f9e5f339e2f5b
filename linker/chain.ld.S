/*
 * linker/chain.ld.S - the loader, boot/chain: linked far above every image, loaded where an image is.
 */
ENTRY(_start)

/* What programs alone ask of a board stays out of the loader, with all that it wants. */
pi_soc_fact = 0;
pi_soc_screen = 0;

SECTIONS
{
    . = CHAIN_ADDR;
    __chain_start = .;
    .text : {
        KEEP(*(.text.chain))
        *(.text .text.*)
        *(.rodata .rodata.*)
    }
    .data : {
        *(.data .data.*)
        . = ALIGN(16);
    }
    __chain_end = .;
    .bss (NOLOAD) : ALIGN(16) {
        *(.bss .bss.*)
        *(COMMON)
        . = ALIGN(16);
        __chain_bss_end = .;
        . += 0x1000;
        __chain_stack = .;
    }

    ASSERT(__chain_end - __chain_start <= 8192, "the loader has become larger than 8 KiB")
    /DISCARD/ : { *(.comment) *(.note .note.*) *(.ARM.attributes) *(.eh_frame) }
}
