/* A PKCS#11 module for tests: SoftHSM2 (or any other) behind it, and the failures of real devices in front.
 *
 * Beside the module, named like it with ".control" at the end, lies a text file, read at every call:
 *     real /usr/lib/softhsm/libsofthsm2.so     the module that does the work (read once)
 *     C_Login rv 0xa0                          this function returns that CKR_ value instead of doing anything
 *     C_Sign crash | hang | gone               SIGSEGV; sleep for ever; the device is pulled out here, and stays out
 *     only 0123456789abcdef                    tokens of other serials are not there
 *     without 0x40 0x43                        these CKM_ mechanisms are not in its list
 *     flags 0x40000                            these CKF_ bits are added to every token's flags
 *     flags-after-login 0x20000                the same, once C_Login has been called in this process
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST shown;
static CK_FUNCTION_LIST *real;
static int gone, logged_in;

static const char *control_file(void)
{
    static char path[4096];
    Dl_info here;
    if (!path[0] && dladdr((void *)control_file, &here))
        snprintf(path, sizeof path, "%s.control", here.dli_fname);
    return path;
}

/* The rest of the control file's line that starts with the word `name`; "" when there is none. */
static const char *told(const char *name, char *buffer, size_t size)
{
    FILE *file = fopen(control_file(), "r");
    size_t length = strlen(name);
    char line[4200];
    buffer[0] = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, length) && line[length] == ' ') {
            line[strcspn(line, "\n")] = 0;
            snprintf(buffer, size, "%s", line + length + 1);
        }
    if (file)
        fclose(file);
    return buffer;
}

/* What `name` shall return instead of working; CKR_OK: let it work. */
static CK_RV plan(const char *name)
{
    char word[256];
    if (gone)
        return CKR_TOKEN_NOT_PRESENT;
    told(name, word, sizeof word);
    if (!strcmp(word, "crash"))
        raise(SIGSEGV);
    if (!strcmp(word, "hang"))
        for (;;)
            pause();
    if (!strcmp(word, "gone")) {
        gone = 1;
        return CKR_DEVICE_REMOVED;
    }
    return strncmp(word, "rv ", 3) ? CKR_OK : strtoul(word + 3, NULL, 0);
}

#define PASS(NAME, DECLARED, GIVEN)            \
    static CK_RV NAME DECLARED                 \
    {                                          \
        CK_RV instead = plan("C_" #NAME);      \
        return instead ? instead : real->C_##NAME GIVEN; \
    }

PASS(Initialize, (void *args), (args))
PASS(GetInfo, (CK_INFO *info), (info))
PASS(GetSlotList, (CK_BBOOL present, CK_SLOT_ID *list, unsigned long *count), (present, list, count))
PASS(GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info), (slot, info))
PASS(OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
     (slot, flags, data, notify, session))
PASS(CloseSession, (CK_SESSION_HANDLE session), (session))
PASS(Logout, (CK_SESSION_HANDLE session), (session))
PASS(FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, unsigned long count),
     (session, template, count))
PASS(GetAttributeValue,
     (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, unsigned long count),
     (session, object, template, count))
PASS(SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(Sign,
     (CK_SESSION_HANDLE session, unsigned char *data, unsigned long length, unsigned char *out, unsigned long *count),
     (session, data, length, out, count))

static CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, unsigned long length)
{
    CK_RV instead;
    logged_in = 1;
    instead = plan("C_Login");
    return instead ? instead : real->C_Login(session, user, pin, length);
}

static CK_RV GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, unsigned long *count)
{
    char words[256], *next, *end;
    CK_RV result = plan("C_GetMechanismList");
    if (!result)
        result = real->C_GetMechanismList(slot, list, count);
    told("without", words, sizeof words);
    for (next = words; !result && list && *next; next = end) {
        unsigned long hidden = strtoul(next, &end, 0), i;
        if (end == next)
            break;
        for (i = 0; i < *count; i++)
            if (list[i] == hidden)
                list[i] = list[0]; /* in the list anyway */
    }
    return result;
}

static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    char word[256];
    CK_RV result = plan("C_GetTokenInfo");
    if (!result)
        result = real->C_GetTokenInfo(slot, info);
    if (!result && *told("only", word, sizeof word) && strncmp(word, (char *)info->serialNumber, strlen(word)))
        result = CKR_TOKEN_NOT_PRESENT;
    if (!result) {
        info->flags |= strtoul(told("flags", word, sizeof word), NULL, 0);
        if (logged_in)
            info->flags |= strtoul(told("flags-after-login", word, sizeof word), NULL, 0);
    }
    return result;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    char path[4096];
    void *module;
    CK_RV (*get)(CK_FUNCTION_LIST **);
    CK_RV result = plan("C_GetFunctionList");
    if (result)
        return result;
    module = dlopen(told("real", path, sizeof path), RTLD_NOW | RTLD_LOCAL);
    if (!module || !(get = (CK_RV(*)(CK_FUNCTION_LIST **))dlsym(module, "C_GetFunctionList")))
        return CKR_GENERAL_ERROR;
    if ((result = get(&real)))
        return result;
    shown = *real;
    shown.C_Initialize = Initialize;
    shown.C_GetInfo = GetInfo;
    shown.C_GetFunctionList = C_GetFunctionList;
    shown.C_GetSlotList = GetSlotList;
    shown.C_GetSlotInfo = GetSlotInfo;
    shown.C_GetTokenInfo = GetTokenInfo;
    shown.C_GetMechanismList = GetMechanismList;
    shown.C_OpenSession = OpenSession;
    shown.C_CloseSession = CloseSession;
    shown.C_Login = Login;
    shown.C_Logout = Logout;
    shown.C_FindObjectsInit = FindObjectsInit;
    shown.C_GetAttributeValue = GetAttributeValue;
    shown.C_SignInit = SignInit;
    shown.C_Sign = Sign;
    *list = &shown;
    return CKR_OK;
}
